//! The server: what listener and connections have in common.

use std::sync::{Arc, atomic::AtomicBool};

use super::{
    ConnectionLimiter, ListenerRole, MemoryBudget, RequestService, ServerLimits, TlsConfig,
    TrustedProxies,
};
use crate::telemetry::Metrics;

/// The remedy if an address reached its limit of connections.
const LIMIT_REMEDY: &str =
    "If many users share it, see --trusted-proxies and --max-connections-per-address";

/// Configuration of the server. Listeners with copies of it share its limits.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Proxies whose forwarding headers are trusted.
    pub trusted_proxies: TrustedProxies,
    /// Sizes, timeouts and numbers of connections.
    pub limits: ServerLimits,
    /// The memory that clients may use, as the limits say.
    pub memory: Arc<MemoryBudget>,
    /// The connections that clients may have, as the limits say.
    pub connections: Arc<ConnectionLimiter>,
}

impl ServerConfig {
    /// A configuration with these proxies and limits.
    pub fn new(trusted_proxies: TrustedProxies, limits: ServerLimits) -> Self {
        let memory = MemoryBudget::new(limits.memory, limits.memory_of_address);
        let (total, of_address) = (limits.connections, limits.connections_of_address);
        let connections = ConnectionLimiter::new(total, of_address, LIMIT_REMEDY);
        Self { trusted_proxies, limits, memory, connections }
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self::new(TrustedProxies::default(), ServerLimits::default())
    }
}

/// The server of endpoints and pages.
pub struct HttpServer {
    pub(super) service: Arc<dyn RequestService>,
    pub(super) config: ServerConfig,
    pub(super) metrics: Arc<Metrics>,
    pub(super) tls: Option<Arc<TlsConfig>>,
    pub(super) role: ListenerRole,
    pub(super) leaving: Arc<AtomicBool>,
}

impl HttpServer {
    /// A server whose requests `service` answers.
    pub fn new(
        service: Arc<dyn RequestService>,
        config: ServerConfig,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            service,
            config,
            metrics,
            tls: None,
            role: ListenerRole::Public,
            leaving: Arc::default(),
        }
    }

    /// Serves TLS only. Plain HTTP is no longer accepted on the port.
    #[must_use]
    pub fn with_tls(mut self, tls: Arc<TlsConfig>) -> Self {
        tls.report(&self.metrics);
        self.tls = Some(tls);
        self
    }

    /// Serves TLS, and asks peers for certificates as `role` says.
    #[must_use]
    pub fn with_mutual_tls(self, tls: Arc<TlsConfig>, role: ListenerRole) -> Self {
        Self { role, ..self.with_tls(tls) }
    }
}
