//! The HTTP server: connections (`transport`), routing (`web`), endpoints and pages.
//!
//! Must not: use Kubernetes, or decide protocol rules; those are in `protocol`.

mod admin;
mod app;
mod endpoints;
mod frontchannel_logout;
pub mod pages;
mod transport;
mod web;

pub use admin::{AdminServer, ReadinessProbe};
pub use app::AppState;
pub use transport::{
    BoundListener, ConnectionInfo, ForwardedHeaders, HttpServer, ListeningServer, ServerConfig,
    ServerLimits, Service, TlsConfig, TlsError, TrustedProxies,
};
pub use web::{CookiePurpose, EndpointError, ExtraRoutes, Reply, Request, WithExtraRoutes};
pub(crate) use web::{cookies, csp, known_browser};
