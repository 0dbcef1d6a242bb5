//! What handlers work with.

use std::sync::Arc;

use super::{
    ClientKeys, Documents, KnownSessions, Limits, Logouts, Registrations, Sectors, TrustedProxies,
};
use crate::{
    fetch::SharedFetch,
    identity::{AttemptLimiter, PasswordPool},
    keys::{Signer, VerifiedTokens},
    model::{Clock, Entropy, Timestamp},
    registry::Handle,
    store::{SharedStore, StoreClock},
    telemetry::Metrics,
};

/// Settings of the server.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Proxies whose forwarding headers count.
    pub trusted_proxies: TrustedProxies,
    /// Sizes, times and numbers.
    pub limits: Limits,
}

/// What handlers work with: everything that is shared between requests.
#[derive(Debug)]
pub struct App {
    /// What is served.
    pub registry: Handle,
    /// Sessions, grants, consents.
    pub store: SharedStore,
    /// Signs tokens.
    pub signer: Signer,
    /// Access tokens whose signature was verified lately.
    pub verified: VerifiedTokens,
    /// Sessions that were looked for lately.
    pub known_sessions: KnownSessions,
    /// Checks passwords.
    pub passwords: PasswordPool,
    /// Limits attempts at passwords.
    pub attempts: AttemptLimiter,
    /// The way out, to clients' servers.
    pub fetch: SharedFetch,
    /// Keys that clients publish.
    pub client_keys: ClientKeys,
    /// Request objects that clients publish.
    pub request_objects: Documents,
    /// Sector documents that clients publish.
    pub sectors: Sectors,
    /// Clients to tell that a session has ended.
    pub logouts: Logouts,
    /// What registering clients share.
    pub registrations: Arc<Registrations>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Time by the clock that replicas share.
    pub store_clock: Arc<StoreClock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// Counts what happens.
    pub metrics: Arc<Metrics>,
    /// Settings.
    pub config: Config,
}

impl App {
    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
