//! Connections: the listener, TLS, limits, forwarding headers, and the service that they call.
//!
//! Must not: know routes, tenants or pages. A request leaves this module by [`RequestService::call`].

mod certificate_header;
mod certificate_validity;
mod client_certificates;
mod connection;
mod connection_limiter;
mod connection_meter;
mod forwarded;
mod handshake_signatures;
mod http_version;
mod limits;
mod listener;
mod listener_role;
mod memory_budget;
mod proxy_trust;
mod request_body;
mod server;
mod service;
mod tls;
mod watched_files;

pub use certificate_header::{
    CertificateFormat, CertificateHeader, CertificateHeaderError, parse_certificate_header,
};
pub use connection_limiter::ConnectionLimiter;
pub(crate) use forwarded::EffectiveRequest;
pub use forwarded::{ForwardedHeaders, TrustedProxies};
pub use limits::ServerLimits;
pub(crate) use limits::{head_memory, head_size};
pub use listener::{BoundListener, ListeningServer};
pub use listener_role::ListenerRole;
pub use memory_budget::{MemoryBudget, MemoryExceeded, MemoryPermit};
pub use proxy_trust::{ProxyTrust, ProxyTrustError};
pub use request_body::RequestBody;
pub use server::{HttpServer, ServerConfig};
pub use service::{ConnectionCertificates, ConnectionInfo, RequestService};
pub use tls::{TlsConfig, TlsError};
