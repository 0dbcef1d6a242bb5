//! Requests and responses of the provider: cookies, errors, CORS and security headers.
//!
//! Must not: know connections, endpoints or the state of the application.

pub(crate) mod authorization_response;
pub(crate) mod cookies;
pub(crate) mod cors;
pub(crate) mod csp;
pub(super) mod error;
pub(super) mod not_found;
mod reply;
mod request;
pub(super) mod security_headers;
mod unusable_page;

pub use cookies::CookiePurpose;
pub use error::EndpointError;
pub use reply::Reply;
pub use request::Request;
pub use unusable_page::UnusablePage;
