//! The state shared by all handlers.

use std::sync::Arc;

use super::{BackchannelLogoutQueue, Registrations, ServerConfig, SessionKeyCache};
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

/// The state shared by all handlers.
#[derive(Debug)]
pub struct AppState {
    /// The current snapshot of tenants, clients and users.
    pub registry: SnapshotHandle,
    /// The store of sessions, grants and consents.
    pub store: SharedStore,
    /// The signing threads.
    pub signer: Signer,
    /// Access tokens whose signature was verified recently.
    pub access_token_cache: AccessTokenCache,
    /// The store keys of recently used sessions.
    pub session_key_cache: SessionKeyCache,
    /// The password threads.
    pub passwords: PasswordVerifier,
    /// Delays and limits sign-in attempts.
    pub login_throttle: LoginThrottle,
    /// The HTTP client for clients' servers.
    pub http_client: SharedFetch,
    /// Clients' JWKS documents.
    pub jwks_cache: JwksCache,
    /// Clients' request objects.
    pub request_object_cache: RequestObjectCache,
    /// Clients' sector identifier documents.
    pub sector_identifier_cache: SectorIdentifierCache,
    /// The queue of back-channel logout notifications.
    pub backchannel_logout: BackchannelLogoutQueue,
    /// State of dynamic client registration.
    pub registrations: Arc<Registrations>,
    /// The replica's own clock.
    pub clock: Arc<dyn Clock>,
    /// The store's clock, which all replicas share.
    pub store_clock: Arc<StoreClock>,
    /// The source of randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The metrics of the process.
    pub metrics: Arc<Metrics>,
    /// Configuration of the server.
    pub config: ServerConfig,
}

impl AppState {
    /// Returns the current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
