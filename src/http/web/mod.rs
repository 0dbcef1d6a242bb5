//! Requests and responses of the provider: cookies, errors, CORS and security headers.
//!
//! Must not: know connections, endpoints or the state of the application.

pub(crate) mod authorization_response;
mod challenges;
pub(crate) mod cookies;
pub(crate) mod cors;
pub(crate) mod csp;
pub(super) mod error;
mod error_sources;
pub(super) mod not_found;
mod reply;
mod request;
mod request_language;
pub(super) mod security_headers;
mod unusable_page;

pub use cookies::CookiePurpose;
pub use error::EndpointError;
pub use reply::Reply;
pub use request::Request;
pub use request_language::RequestLanguage;
pub use unusable_page::UnusablePage;
