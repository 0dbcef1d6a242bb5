//! Connections: the listener, TLS, limits, forwarding headers, and the service that they call.
//!
//! Must not: know routes, tenants or pages. A request leaves this module by [`Service::call`].

mod connection;
mod connection_limiter;
mod forwarded;
mod limits;
mod listener;
mod server;
mod service;
mod tls;

pub(crate) use forwarded::EffectiveRequest;
pub use forwarded::{ForwardedHeaders, TrustedProxies};
pub use limits::ServerLimits;
pub use listener::{BoundListener, ListeningServer};
pub use server::{HttpServer, ServerConfig};
pub use service::{ConnectionInfo, Service};
pub use tls::{TlsConfig, TlsError};
