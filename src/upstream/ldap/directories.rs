//! All directories of the installation: their connections, and the limit of the time of attempts.

use std::{fmt, time::Duration};

use rustls::RootCertStore;
use tokio::time::timeout;

use super::{
    attempt::{LdapAttempt, LdapCredentials},
    connection_pool::ConnectionPool,
    fault::{DirectoryFault, LdapError},
    network::LdapNetwork,
    person::DirectoryPerson,
};
use crate::{
    fetch::EgressPolicy,
    model::{LdapSettings, Timestamp},
};

/// Limit from the call to its result.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// Directories that people sign in from. A slow server delays only its own people.
pub struct LdapDirectories {
    network: LdapNetwork,
    pool: ConnectionPool,
}

impl fmt::Debug for LdapDirectories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LdapDirectories").finish_non_exhaustive()
    }
}

impl LdapDirectories {
    /// Directories at addresses that the policy allows, or inside the network where their settings
    /// do. The root certificates verify servers without certificates of their own. Requires an
    /// installed crypto provider.
    pub fn new(policy: EgressPolicy, roots: RootCertStore) -> Self {
        Self { network: LdapNetwork::new(policy, roots), pool: ConnectionPool::default() }
    }

    /// The same, whose connections wait for another time for their next use.
    #[cfg(test)]
    pub(super) fn with_pool(policy: EgressPolicy, pool: ConnectionPool) -> Self {
        Self { network: LdapNetwork::new(policy, RootCertStore::empty()), pool }
    }

    #[cfg(test)]
    pub(super) const fn pool(&self) -> &ConnectionPool {
        &self.pool
    }

    /// Signs a person in by name and password.
    pub async fn authenticate(
        &self,
        settings: &LdapSettings,
        credentials: LdapCredentials<'_>,
        now: Timestamp,
    ) -> Result<DirectoryPerson, LdapError> {
        self.within(settings, now, async |it| it.authenticate(credentials).await).await
    }

    /// Looks up a person by the identifier of an earlier sign-in: whether their entry is still one
    /// of the people and not disabled, and their claims now.
    pub async fn look_up(
        &self,
        settings: &LdapSettings,
        id: &str,
        now: Timestamp,
    ) -> Result<DirectoryPerson, LdapError> {
        self.within(settings, now, async |it| it.look_up(id).await).await
    }

    /// Signs the search account in, to learn whether the directory can be used.
    pub async fn check_account(&self, settings: &LdapSettings) -> Result<(), DirectoryFault> {
        let checked = self.within(settings, Timestamp::default(), async |it| {
            it.connect_search().await?.close().await;
            Ok(())
        });
        match checked.await {
            Err(LdapError::Directory(fault)) => Err(fault),
            _ => Ok(()),
        }
    }

    async fn within<T>(
        &self,
        settings: &LdapSettings,
        now: Timestamp,
        run: impl AsyncFnOnce(LdapAttempt<'_>) -> Result<T, LdapError>,
    ) -> Result<T, LdapError> {
        let late = || {
            let host = settings.server.address.host.to_string();
            DirectoryFault::Late { host, step: "whole attempt" }
        };
        let attempt = async {
            let permit = self.pool.permit(settings).await?;
            run(LdapAttempt { network: &self.network, permit: &permit, settings, now }).await
        };
        // It is boxed since it has the state of every step.
        timeout(ATTEMPT_TIMEOUT, Box::pin(attempt)).await.map_err(|_| late())?
    }
}
