//! The state shared by all handlers.

use std::sync::Arc;

use super::{CookiePurpose, Request, ServerConfig};
use crate::{
    accounts::{
        AccountContext, AccountError, AccountServices,
        sessions::{self, ActiveSession},
    },
    identity::{LoginThrottle, PasswordVerifier},
    model::{Clock, Timestamp},
    registry::SnapshotHandle,
    remote::{RequestObjectCache, SectorIdentifierCache},
};

/// The state shared by all handlers.
#[derive(Debug)]
pub struct AppState {
    /// The current snapshot of tenants, clients and users.
    pub registry: SnapshotHandle,
    /// Sessions, grants and tokens.
    pub accounts: Arc<AccountServices>,
    /// The password threads.
    pub passwords: PasswordVerifier,
    /// Delays and limits sign-in attempts.
    pub login_throttle: LoginThrottle,
    /// Clients' request objects.
    pub request_object_cache: RequestObjectCache,
    /// Clients' sector identifier documents.
    pub sector_identifier_cache: SectorIdentifierCache,
    /// The replica's own clock.
    pub clock: Arc<dyn Clock>,
    /// Configuration of the server.
    pub config: ServerConfig,
}

impl AppState {
    /// Returns the current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Loads the active session of the browser that sent a request.
    pub(super) async fn session(
        &self,
        request: &Request,
    ) -> Result<Option<ActiveSession>, AccountError> {
        sessions::load(self.context(request), request.cookie(CookiePurpose::Session)).await
    }

    /// The account services for the tenant of a request.
    pub fn context<'a>(&'a self, request: &'a Request) -> AccountContext<'a> {
        AccountContext {
            services: &self.accounts,
            tenant: &request.tenant,
            sealer: request.snapshot.sealer.as_deref(),
            now: request.now,
            store_now: request.store_now,
        }
    }
}
