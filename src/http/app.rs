//! The state shared by all handlers.

use std::sync::{Arc, OnceLock};

use super::{CookiePurpose, Request, ServerConfig};
use crate::{
    accounts::{
        AccountContext, AccountError, AccountServices,
        sessions::active_session::{self, ActiveSession},
    },
    fetch::SharedFetch,
    identity::{LoginThrottle, PasswordVerifier},
    model::{AuditOrigin, Clock, Installation, Issuer, Timestamp, throttle_prefix},
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
    /// Verifies passwords on separate threads, because each check takes a core for a while.
    pub passwords: PasswordVerifier,
    /// Delays and limits sign-in attempts.
    pub login_throttle: LoginThrottle,
    /// Clients' request objects, fetched from their `request_uri` (RFC 9101 §5.2.3).
    pub request_object_cache: RequestObjectCache,
    /// Clients' sector identifier documents, fetched from their `sector_identifier_uri` (OIDC Core §8.1).
    pub sector_identifier_cache: SectorIdentifierCache,
    /// The replica's own clock.
    pub clock: Arc<dyn Clock>,
    /// Configuration of the server.
    pub config: ServerConfig,
    /// The page at the installation's base URL, if it has one.
    pub base_page: OnceLock<BaseUrlPage>,
}

/// The page at the installation's base URL.
#[derive(Clone, Debug)]
pub struct BaseUrlPage {
    /// The base URL of the installation, which is also that of the page.
    pub base_url: Issuer,
    /// The path of the sample application, if it is served.
    pub demo: Option<String>,
}

impl BaseUrlPage {
    /// The page of an installation. `dev` serves the sample application at `demo` below the base
    /// URL.
    pub fn of(installation: &Installation, demo: &str) -> Self {
        let base_url = installation.base_url.clone();
        let demo = installation.dev.then(|| format!("{}{demo}", base_url.path()));
        Self { base_url, demo }
    }

    /// Returns true if a URL is the base URL, with or without a slash at the end.
    pub(super) fn is_at(&self, authority: &str, path: &str) -> bool {
        let base = &self.base_url;
        authority == base.authority() && path.strip_suffix('/').unwrap_or(path) == base.path()
    }
}

impl AppState {
    /// The current time of the replica's own clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Loads the active session of the browser that sent a request.
    pub(super) async fn session(
        &self,
        request: &Request,
    ) -> Result<Option<ActiveSession>, AccountError> {
        active_session::load_session(self.context(request), request.cookie(CookiePurpose::Session))
            .await
    }

    /// The HTTP client for calls that a request causes.
    pub(super) fn http_client(&self, request: &Request) -> SharedFetch {
        let tenant = request.tenant.tenant.id.to_string();
        self.accounts.http_client.for_owner(&tenant, Some(throttle_prefix(request.address)))
    }

    /// The account services for the tenant of a request.
    pub fn context<'a>(&'a self, request: &'a Request) -> AccountContext<'a> {
        AccountContext {
            services: &self.accounts,
            tenant: &request.tenant,
            sealer: request.snapshot.sealer.as_ref(),
            vault: request.snapshot.vault.as_ref(),
            now: request.now,
            store_now: request.store_now,
            facts: &request.facts,
            origin: AuditOrigin {
                request_id: &request.id,
                endpoint: request.endpoint,
                address: request.address,
                user_agent: request.header("user-agent"),
            },
        }
    }
}
