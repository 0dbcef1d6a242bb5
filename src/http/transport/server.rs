//! The server: what listener and connections have in common.

use std::sync::{Arc, atomic::AtomicBool};

use super::{
    CertificateHeader, MemoryBudget, ProxyTrust, ServerLimits, Service, TlsConfig, TrustedProxies,
};
use crate::telemetry::Metrics;

/// Configuration of the server.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Proxies whose forwarding headers are trusted.
    pub trusted_proxies: TrustedProxies,
    /// Sizes, timeouts and numbers of connections.
    pub limits: ServerLimits,
    /// The memory that clients may use, as the limits say.
    pub memory: Arc<MemoryBudget>,
}

impl ServerConfig {
    /// A configuration with these proxies and limits.
    pub fn new(trusted_proxies: TrustedProxies, limits: ServerLimits) -> Self {
        let memory = MemoryBudget::new(limits.memory, limits.memory_of_address);
        Self { trusted_proxies, limits, memory }
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self::new(TrustedProxies::default(), ServerLimits::default())
    }
}

/// The peers of a listener, and the certificates that they show.
#[derive(Clone, Debug, Default)]
pub enum ListenerRole {
    /// Browsers, applications, and proxies. None of them is asked for a certificate.
    #[default]
    Public,
    /// Applications, which may send a certificate. Any certificate is accepted: its client is not known yet.
    MutualTls,
    /// Proxies that must send a certificate, and that tell the certificates of applications by a header.
    CertificateProxy(Arc<ProxyTrust>, CertificateHeader),
}

/// The server of endpoints and pages.
pub struct HttpServer {
    pub(super) service: Arc<dyn Service>,
    pub(super) config: ServerConfig,
    pub(super) metrics: Arc<Metrics>,
    pub(super) tls: Option<Arc<TlsConfig>>,
    pub(super) role: ListenerRole,
    pub(super) leaving: Arc<AtomicBool>,
}

impl HttpServer {
    /// A server whose requests `service` answers.
    pub fn new(service: Arc<dyn Service>, config: ServerConfig, metrics: Arc<Metrics>) -> Self {
        Self {
            service,
            config,
            metrics,
            tls: None,
            role: ListenerRole::Public,
            leaving: Arc::default(),
        }
    }

    /// Enables TLS.
    #[must_use]
    pub fn with_tls(mut self, tls: Arc<TlsConfig>) -> Self {
        tls.report(&self.metrics);
        self.tls = Some(tls);
        self
    }

    /// Enables TLS for peers that show certificates.
    #[must_use]
    pub fn with_mutual_tls(self, tls: Arc<TlsConfig>, role: ListenerRole) -> Self {
        Self { role, ..self.with_tls(tls) }
    }
}
