//! All directories of the installation: the limits of time and concurrency of attempts.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustls::RootCertStore;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    attempt::{LdapAttempt, LdapCredentials},
    fault::{DirectoryFault, LdapError},
    network::LdapNetwork,
    person::DirectoryPerson,
};
use crate::{
    fetch::EgressPolicy,
    model::{LdapAddress, LdapSettings, Timestamp},
};

/// Limit from the call to its result.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// Limit of the time that an attempt waits for others at the same server.
const WAIT_TIMEOUT: Duration = Duration::from_secs(3);
/// Concurrent attempts at a server by one search account.
const MAX_CONCURRENT: usize = 16;

/// The address of a server and the name of its search account.
type DirectoryKey = (LdapAddress, Box<str>);

/// Directories that people sign in from. An attempt opens its own connections, so a slow server
/// delays only its own people.
pub struct LdapDirectories {
    network: LdapNetwork,
    /// Attempts that go on now.
    running: Mutex<HashMap<DirectoryKey, Arc<Semaphore>>>,
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
        Self { network: LdapNetwork::new(policy, roots), running: Mutex::default() }
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
            it.open_search().await?.close().await;
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
        run: impl AsyncFnOnce(LdapAttempt) -> Result<T, LdapError>,
    ) -> Result<T, LdapError> {
        let late = || {
            let host = settings.server.address.host.to_string();
            DirectoryFault::Late { host, step: "whole attempt" }
        };
        let attempt = async {
            let _permit = self.permit(settings).await?;
            run(LdapAttempt { network: &self.network, settings, now }).await
        };
        timeout(ATTEMPT_TIMEOUT, attempt).await.map_err(|_| late())?
    }

    async fn permit(
        &self,
        settings: &LdapSettings,
    ) -> Result<OwnedSemaphorePermit, DirectoryFault> {
        let semaphore = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            let key = (settings.server.address.clone(), settings.account.name.clone());
            if !running.contains_key(&key) {
                // Attempts hold the semaphore that they wait for or have a permit of.
                running.retain(|_, semaphore| Arc::strong_count(semaphore) > 1);
            }
            let new = || Arc::new(Semaphore::new(MAX_CONCURRENT));
            Arc::clone(running.entry(key).or_insert_with(new))
        };
        let permit = timeout(WAIT_TIMEOUT, semaphore.acquire_owned()).await.ok();
        let busy = || DirectoryFault::Busy(settings.server.address.host.to_string());
        permit.and_then(Result::ok).ok_or_else(busy)
    }
}
