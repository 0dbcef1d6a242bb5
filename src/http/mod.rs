//! The HTTP server: connections (`transport`), routing (`web`), endpoints and pages.
//!
//! Must not: use Kubernetes, or decide protocol rules; those are in `protocol`.

mod admin;
mod app;
mod backchannel_logout;
mod client_authentication;
mod directory;
mod endpoints;
mod frontchannel_logout;
mod grants;
pub mod pages;
mod registrations;
mod session_key_cache;
mod session_state;
mod sessions;
mod token_issuer;
mod token_lookup;
mod transport;
mod undelivered_logouts;
mod web;

pub use admin::{AdminServer, ReadinessProbe};
pub use app::AppState;
pub use backchannel_logout::{BackchannelLogoutQueue, run_notifier};
pub use registrations::Registrations;
pub use session_key_cache::SessionKeyCache;
pub use transport::{
    BoundListener, ConnectionInfo, ForwardedHeaders, HttpServer, ListeningServer, ServerConfig,
    ServerLimits, Service, TlsConfig, TlsError, TrustedProxies,
};
pub use web::{CookiePurpose, EndpointError, ExtraRoutes, Reply, Request, WithExtraRoutes};
pub(crate) use web::{cookies, csp, known_browser};
