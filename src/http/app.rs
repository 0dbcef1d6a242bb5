//! What handlers work with.

use std::sync::Arc;

use super::{Logouts, Registrations, ServerConfig, SessionKeyCache};
use crate::{
    fetch::SharedFetch,
    identity::{LoginThrottle, PasswordVerifier},
    keys::{AccessTokenCache, Signer},
    model::{Clock, Entropy, Timestamp},
    registry::SnapshotHandle,
    remote::{JwksCache, RequestObjectCache, SectorIdentifierCache},
    store::{SharedStore, StoreClock},
    telemetry::Metrics,
};

/// What handlers work with: everything that is shared between requests.
#[derive(Debug)]
pub struct AppState {
    /// What is served.
    pub registry: SnapshotHandle,
    /// Sessions, grants, consents.
    pub store: SharedStore,
    /// Signs tokens.
    pub signer: Signer,
    /// Access tokens whose signature was verified lately.
    pub access_token_cache: AccessTokenCache,
    /// Sessions that were looked for lately.
    pub session_key_cache: SessionKeyCache,
    /// Checks passwords.
    pub passwords: PasswordVerifier,
    /// Limits attempts at passwords.
    pub login_throttle: LoginThrottle,
    /// The way out, to clients' servers.
    pub http_client: SharedFetch,
    /// Keys that clients publish.
    pub jwks_cache: JwksCache,
    /// Request objects that clients publish.
    pub request_object_cache: RequestObjectCache,
    /// Sector documents that clients publish.
    pub sector_identifier_cache: SectorIdentifierCache,
    /// Clients to tell that a session has ended.
    pub backchannel_logout: Logouts,
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
    pub config: ServerConfig,
}

impl AppState {
    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
