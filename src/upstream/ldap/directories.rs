//! All directories of the installation: their connections, and the limit of the time of attempts.

use std::{fmt, time::Duration};

use rustls::RootCertStore;
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::{
    attempt::LdapAttempt,
    connection_pool::ConnectionPool,
    credentials::LdapCredentials,
    fault::{DirectoryFault, LdapError},
    network::LdapNetwork,
    person::DirectoryPerson,
};
use crate::{
    fetch::{ConcurrencyLimiter, ConcurrencyLimits, EgressPolicy, FetchOwner},
    model::{LdapSettings, Timestamp},
};

/// Longest time of an attempt, from the call to its result.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time that an attempt waits for others.
const WAIT_TIMEOUT: Duration = Duration::from_secs(3);
/// Concurrent attempts at all directories, each of which has two connections at most.
const LIMITS: ConcurrencyLimits = ConcurrencyLimits { total: 64, per_host: 16, per_address: 32 };

/// The party on whose behalf a directory is asked, and the time.
#[derive(Clone, Debug)]
pub struct DirectoryCaller {
    /// The tenant and the client address.
    pub owner: FetchOwner,
    /// The current time, to which the expiry of an account is compared.
    pub now: Timestamp,
}

/// Directories that people sign in from. A slow server delays only its own people, and those of one tenant
/// leave connections to others.
pub struct LdapDirectories {
    network: LdapNetwork,
    pool: ConnectionPool,
    limiter: ConcurrencyLimiter,
}

impl fmt::Debug for LdapDirectories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LdapDirectories").finish_non_exhaustive()
    }
}

impl LdapDirectories {
    /// Directories at addresses that the policy allows, or in private networks where their settings
    /// do. The root certificates verify servers without certificates of their own. Requires an
    /// installed crypto provider.
    pub fn new(policy: EgressPolicy, roots: RootCertStore) -> Self {
        Self::of(LdapNetwork::new(policy, roots), ConnectionPool::default())
    }

    fn of(network: LdapNetwork, pool: ConnectionPool) -> Self {
        Self { network, pool, limiter: ConcurrencyLimiter::new(LIMITS) }
    }

    /// Creates directories with a given connection pool, and without trusted root certificates.
    #[cfg(test)]
    pub(super) fn with_pool(policy: EgressPolicy, pool: ConnectionPool) -> Self {
        Self::of(LdapNetwork::new(policy, RootCertStore::empty()), pool)
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
        caller: &DirectoryCaller,
    ) -> Result<DirectoryPerson, LdapError> {
        self.for_caller(settings, caller, async |it| it.authenticate(credentials).await).await
    }

    /// Looks up a person by the claims of an earlier sign-in. Returns the present claims, if the entry still
    /// belongs to the people and is not disabled.
    pub async fn look_up(
        &self,
        settings: &LdapSettings,
        claims: &Map<String, Value>,
        caller: &DirectoryCaller,
    ) -> Result<DirectoryPerson, LdapError> {
        self.for_caller(settings, caller, async |it| it.look_up(claims).await).await
    }

    /// Signs the search account in, to learn whether the directory can be used. Callers limit how many
    /// they ask about at once.
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

    /// Runs an attempt as one of those that its tenant and its client address may have at once.
    async fn for_caller<T>(
        &self,
        settings: &LdapSettings,
        caller: &DirectoryCaller,
        run: impl AsyncFnOnce(LdapAttempt<'_>) -> Result<T, LdapError>,
    ) -> Result<T, LdapError> {
        let host = &*settings.server.address.host;
        let permit = timeout(WAIT_TIMEOUT, self.limiter.acquire(&caller.owner, host)).await;
        let Some(_permit) = permit.ok().flatten() else {
            return Err(DirectoryFault::Busy(host.to_owned()).into());
        };
        self.within(settings, caller.now, run).await
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
