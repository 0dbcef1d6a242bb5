//! The server: connections, routes, endpoints and pages.
//!
//! Must not: know Kubernetes, or decide a protocol rule; those are in `protocol`.

mod admin;
mod app;
mod backchannel_logout;
mod client_authentication;
mod connection;
mod connection_limiter;
mod cookies;
mod cors;
mod csp;
pub mod demo;
mod directory;
mod dispatch;
mod endpoints;
mod error;
mod forwarded;
mod front_channel;
mod grants;
mod jwks_cache;
mod known_browser;
mod limits;
mod not_found;
pub mod pages;
mod registrations;
mod reply;
mod request;
mod request_object_cache;
mod router;
mod sector_identifier_cache;
mod security_headers;
mod server;
mod session_key_cache;
mod sessions;
mod tls;
mod token_issuer;
mod token_lookup;
mod undelivered_logouts;
mod url_cache;

pub use admin::{AdminServer, ReadinessProbe};
pub use app::{AppState, ServerConfig};
pub use backchannel_logout::{Logouts, run_notifier};
pub use cookies::CookiePurpose;
pub use error::EndpointError;
pub use forwarded::{ForwardedHeaders, TrustedProxies};
pub use jwks_cache::JwksCache;
pub use limits::ServerLimits;
pub use registrations::Registrations;
pub use reply::Reply;
pub use request::Request;
pub use request_object_cache::RequestObjectCache;
pub use sector_identifier_cache::SectorIdentifierCache;
pub use server::{BoundListener, ExtraRoutes, HttpServer, Listening};
pub use session_key_cache::SessionKeyCache;
pub use tls::{TlsConfig, TlsError};
