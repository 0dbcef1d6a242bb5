//! The connections of search accounts between two uses, and the permits to ask a directory.
//!
//! An unused connection is held by a separate task, which notices that the server closes
//! it. Nothing remains of a directory that is not used: its connections end, and its entry with them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{sleep, timeout},
};

use super::{connection::LdapConnection, fault::DirectoryFault};
use crate::model::{LdapSettings, Sha256};

/// Limit of the time that an attempt waits for others at the same directory.
const WAIT_TIMEOUT: Duration = Duration::from_secs(3);
/// Concurrent attempts at a directory. Each has a connection of the search account, and for a moment
/// one of the person.
const MAX_CONCURRENT: usize = 16;
/// Connections of a directory that wait for their next use.
const MAX_IDLE: usize = 8;
/// Connections of all directories that wait for their next use.
const MAX_IDLE_IN_TOTAL: usize = 256;
/// How long a connection waits for its next use: less than firewalls forget one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a connection is used, so that a change of the account or of the server's address takes effect.
const MAX_AGE: Duration = Duration::from_secs(300);

/// A server and its search account, with all that decides whether a connection may be opened. A
/// provider that has a different password, or may not call the host, never gets another's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct DirectoryKey([u8; 32]);

/// Takes the place of a connection that waits: the sender of its next user ends the wait.
type ConnectionWaiter = oneshot::Sender<oneshot::Sender<LdapConnection>>;

/// The connections of all directories that wait for their next use.
pub(super) struct ConnectionPool {
    state: Arc<Mutex<LdapPoolState>>,
    idle_timeout: Duration,
}

#[derive(Default)]
struct LdapPoolState {
    directories: HashMap<DirectoryKey, Directory>,
    idle: usize,
}

struct Directory {
    permits: Arc<Semaphore>,
    idle: Vec<ConnectionWaiter>,
}

/// A permit to ask a directory.
pub(super) struct DirectoryPermit {
    state: Arc<Mutex<LdapPoolState>>,
    key: DirectoryKey,
    idle_timeout: Duration,
    permit: Option<OwnedSemaphorePermit>,
}

impl Default for ConnectionPool {
    fn default() -> Self {
        Self::with_idle_timeout(IDLE_TIMEOUT)
    }
}

impl ConnectionPool {
    /// A pool whose connections wait as long as this for their next use.
    pub(super) fn with_idle_timeout(idle_timeout: Duration) -> Self {
        Self { state: Arc::default(), idle_timeout }
    }

    /// Waits for a permit, in the order of arrival.
    pub(super) async fn permit(
        &self,
        settings: &LdapSettings,
    ) -> Result<DirectoryPermit, DirectoryFault> {
        let key = DirectoryKey::of(settings);
        let permits = {
            let mut state = locked(&self.state);
            let new = || Directory {
                permits: Arc::new(Semaphore::new(MAX_CONCURRENT)),
                idle: Vec::new(),
            };
            Arc::clone(&state.directories.entry(key).or_insert_with(new).permits)
        };
        // Its end removes the directory's entry, also if the wait is given up.
        let mut permit = DirectoryPermit {
            state: Arc::clone(&self.state),
            key,
            idle_timeout: self.idle_timeout,
            permit: None,
        };
        let waited = timeout(WAIT_TIMEOUT, permits.acquire_owned()).await;
        permit.permit = waited.ok().and_then(Result::ok);
        if permit.permit.is_none() {
            return Err(DirectoryFault::Busy(settings.server.address.host.to_string()));
        }
        Ok(permit)
    }

    /// The directories that are known, and the connections that wait.
    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        let state = locked(&self.state);
        (state.directories.len(), state.idle)
    }
}

impl DirectoryPermit {
    /// A bound connection that waits for its next use: the one that was used last.
    pub(super) async fn take(&self) -> Option<LdapConnection> {
        loop {
            let claim = locked(&self.state).pop(self.key)?;
            let (next, connection) = oneshot::channel();
            // A task that has ended in the meantime has no connection any more.
            if claim.send(next).is_ok()
                && let Ok(connection) = connection.await
            {
                return Some(connection);
            }
        }
    }

    /// Lets a bound connection wait for its next use, or closes it if it cannot be used again.
    pub(super) async fn keep(&self, connection: LdapConnection) {
        if !connection.is_settled() || connection.age() > MAX_AGE {
            connection.close().await;
            return;
        }
        let (claim, claimed) = oneshot::channel();
        if !locked(&self.state).push(self.key, claim) {
            connection.close().await;
            return;
        }
        let (state, key, idle_timeout) = (Arc::clone(&self.state), self.key, self.idle_timeout);
        tokio::spawn(async move {
            wait_for_next_use(connection, claimed, idle_timeout).await;
            locked(&state).forget_ended(key);
        });
    }

    /// Ends all connections that wait: one of them does not answer.
    pub(super) fn clear(&self) {
        while locked(&self.state).pop(self.key).is_some() {}
    }
}

impl Drop for DirectoryPermit {
    fn drop(&mut self) {
        self.permit = None;
        locked(&self.state).forget_ended(self.key);
    }
}

impl LdapPoolState {
    /// Takes the connection that was used last.
    fn pop(&mut self, key: DirectoryKey) -> Option<ConnectionWaiter> {
        let claim = self.directories.get_mut(&key)?.idle.pop()?;
        self.idle -= 1;
        Some(claim)
    }

    /// Returns false if too many wait.
    fn push(&mut self, key: DirectoryKey, claim: ConnectionWaiter) -> bool {
        let Some(directory) = self.directories.get_mut(&key) else { return false };
        let has_place = directory.idle.len() < MAX_IDLE && self.idle < MAX_IDLE_IN_TOTAL;
        if has_place {
            directory.idle.push(claim);
            self.idle += 1;
        }
        has_place
    }

    /// Removes connections that have ended, and the directory if nothing of it remains.
    fn forget_ended(&mut self, key: DirectoryKey) {
        let Some(directory) = self.directories.get_mut(&key) else { return };
        let before = directory.idle.len();
        directory.idle.retain(|claim| !claim.is_closed());
        self.idle -= before - directory.idle.len();
        // Attempts hold the permits that they have or wait for.
        if directory.idle.is_empty() && Arc::strong_count(&directory.permits) == 1 {
            self.directories.remove(&key);
        }
    }
}

impl DirectoryKey {
    fn of(LdapSettings { server, account, .. }: &LdapSettings) -> Self {
        let address = server.address.to_string();
        let certificates = server.certificates.as_deref();
        let parts =
            [&address, certificates.unwrap_or_default(), &account.name, account.password.expose()];
        let flags = [u8::from(certificates.is_some()), u8::from(server.inside_network)];
        let hash = parts.into_iter().fold(Sha256::default().with(flags), |hash, part| {
            hash.with(part.len().to_le_bytes()).with(part)
        });
        Self(hash.finish())
    }
}

/// Holds a connection until its next user comes, the server closes it or the time is over.
async fn wait_for_next_use(
    mut connection: LdapConnection,
    claimed: oneshot::Receiver<oneshot::Sender<LdapConnection>>,
    idle_timeout: Duration,
) {
    let next = tokio::select! {
        biased;
        next = claimed => next.ok(),
        () = connection.closed() => return,
        () = sleep(idle_timeout) => None,
    };
    let unused = match next {
        Some(next) => next.send(connection).err(),
        None => Some(connection),
    };
    if let Some(connection) = unused {
        connection.close().await;
    }
}

fn locked(state: &Mutex<LdapPoolState>) -> MutexGuard<'_, LdapPoolState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        LdapAccount, LdapAddress, LdapFilter, LdapIdAttribute, LdapPeople, LdapSchema, LdapServer,
        Secret,
    };

    fn settings(change: impl FnOnce(&mut LdapSettings)) -> LdapSettings {
        let address = LdapAddress { host: "dc.test".into(), port: 636, start_tls: false };
        let mut settings = LdapSettings {
            schema: LdapSchema::OpenLdap,
            server: LdapServer { address, certificates: None, inside_network: false },
            account: LdapAccount {
                name: "cn=search".into(),
                password: Secret::new("secret".to_owned()),
            },
            people: LdapPeople {
                base: "ou=people".into(),
                filter: LdapFilter::parse("(uid={username})").expect("a filter"),
                name: "uid".into(),
                id: LdapIdAttribute::EntryUuid,
                attributes: Vec::new(),
            },
            groups: None,
        };
        change(&mut settings);
        settings
    }

    #[test]
    fn only_the_same_server_and_account_share_connections() {
        let own = DirectoryKey::of(&settings(|_| {}));
        assert_eq!(own, DirectoryKey::of(&settings(|it| it.people.base = "ou=staff".into())));
        let others: [fn(&mut LdapSettings); 7] = [
            |it| it.account.password = Secret::new("guess".to_owned()),
            |it| it.account.name = "cn=other".into(),
            |it| it.server.inside_network = true,
            |it| it.server.certificates = Some("".into()),
            |it| it.server.address.port = 1636,
            |it| it.server.address.start_tls = true,
            |it| {
                it.account.name = "cn=searchs".into();
                it.account.password = Secret::new("ecret".to_owned());
            },
        ];
        for (index, other) in others.into_iter().enumerate() {
            assert_ne!(DirectoryKey::of(&settings(other)), own, "{index}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn permits_are_bounded_and_leave_no_entries() {
        let (pool, settings) = (ConnectionPool::default(), settings(|_| {}));
        let mut permits = Vec::new();
        for _ in 0..MAX_CONCURRENT {
            permits.push(pool.permit(&settings).await.expect("a permit"));
        }
        let busy = pool.permit(&settings).await.err();
        assert_eq!(busy, Some(DirectoryFault::Busy("dc.test".to_owned())));
        let waits = pool.permit(&settings);
        tokio::pin!(waits);
        assert!(futures::poll!(&mut waits).is_pending());
        permits.pop();
        permits.push(waits.await.expect("the permit of another attempt"));
        assert_eq!(pool.size(), (1, 0));
        drop(permits);
        assert_eq!(pool.size(), (0, 0));
    }
}
