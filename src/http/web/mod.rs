//! Requests and responses of the provider: routing, dispatch, cookies, errors and security headers.
//!
//! Must not: know connections, or decide a protocol rule.

pub(crate) mod cookies;
pub(crate) mod cors;
pub(crate) mod csp;
mod dispatch;
mod error;
mod extra_routes;
pub(crate) mod known_browser;
mod not_found;
mod reply;
mod request;
mod router;
mod security_headers;

pub use cookies::CookiePurpose;
pub use error::EndpointError;
pub use extra_routes::{ExtraRoutes, WithExtraRoutes};
pub use reply::Reply;
pub use request::Request;
