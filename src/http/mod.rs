//! The HTTP server: connections (`transport`), requests and responses (`web`), endpoints, pages, and
//! what leads from one to the other (`routing`).
//!
//! Must not: use Kubernetes, or decide protocol rules; those are in `protocol`.

mod admin;
mod app;
mod endpoints;
mod local_fetch;
pub mod pages;
mod routing;
mod transport;
mod web;

pub use admin::{AdminServer, ReadinessProbe};
pub use app::{AppState, BaseUrlPage};
pub use routing::{ExtraRoutes, WithExtraRoutes};
pub use transport::parse_certificate_header;
pub use transport::{
    BoundListener, CertificateFormat, CertificateHeader, CertificateHeaderError,
    ConnectionCertificates, ConnectionInfo, ConnectionLimiter, ForwardedHeaders, HttpServer,
    ListenerRole, ListeningServer, MemoryBudget, MemoryExceeded, MemoryPermit, ProxyTrust,
    ProxyTrustError, RequestBody, RequestService, ServerConfig, ServerLimits, TlsConfig, TlsError,
    TrustedProxies,
};
pub(crate) use transport::{head_memory, head_size};
pub use web::{CookiePurpose, EndpointError, Reply, Request, RequestLanguage, UnusablePage};
use web::{cookies, csp};
