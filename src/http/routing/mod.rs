//! Answers requests: finds the tenant and the route, and runs the endpoint's handler.
//!
//! Must not: know connections, or decide a protocol rule.

mod access_line;
mod body;
mod dispatch;
mod extra_routes;
mod route_match;
mod router;
mod signed_response;

pub use extra_routes::{ExtraRoutes, WithExtraRoutes};
