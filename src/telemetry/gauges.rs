//! The gauges of the process.

use std::sync::{Arc, atomic::AtomicU64};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{descriptions, reachability::ProviderLabels};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TenantLabel {
    pub tenant: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CertificateFile {
    pub certificate: String,
}

/// A gauge of seconds, with fractions.
type Seconds = Gauge<f64, AtomicU64>;

/// Counts an operation in progress in a gauge until it is dropped.
#[derive(Debug)]
pub struct InFlightGuard(Gauge);

impl InFlightGuard {
    pub(super) fn begin(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[derive(Default)]
pub(super) struct Gauges {
    pub(super) revision: Gauge,
    pub(super) age: Seconds,
    pub(super) source_healthy: Gauge,
    pub(super) leader: Gauge,
    pub(super) forbidden_namespaces: Gauge,
    pub(super) connections: Gauge,
    pub(super) requests: Gauge,
    pub(super) passwords_queued: Gauge,
    pub(super) clock_skew: Seconds,
    pub(super) key_age: Family<TenantLabel, Seconds>,
    pub(super) key_overdue: Family<TenantLabel, Seconds>,
    pub(super) certificate_age: Family<CertificateFile, Seconds>,
    pub(super) certificate_expires_in: Family<CertificateFile, Seconds>,
    pub(super) providers: Family<ProviderLabels, Gauge>,
}

impl Gauges {
    pub(super) fn register(&self, registry: &mut Registry) {
        descriptions::SNAPSHOT_REVISION.register(registry, self.revision.clone());
        descriptions::SNAPSHOT_AGE.register(registry, self.age.clone());
        descriptions::SOURCE_HEALTHY.register(registry, self.source_healthy.clone());
        descriptions::LEADER.register(registry, self.leader.clone());
        descriptions::FORBIDDEN_NAMESPACES.register(registry, self.forbidden_namespaces.clone());
        descriptions::CONNECTIONS.register(registry, self.connections.clone());
        descriptions::REQUESTS_IN_FLIGHT.register(registry, self.requests.clone());
        descriptions::PASSWORD_CHECKS_QUEUED.register(registry, self.passwords_queued.clone());
        descriptions::CLOCK_SKEW.register(registry, self.clock_skew.clone());
        descriptions::SIGNING_KEY_AGE.register(registry, self.key_age.clone());
        descriptions::SIGNING_KEY_OVERDUE.register(registry, self.key_overdue.clone());
        descriptions::CERTIFICATE_AGE.register(registry, self.certificate_age.clone());
        descriptions::CERTIFICATE_EXPIRES_IN
            .register(registry, self.certificate_expires_in.clone());
        descriptions::PROVIDER_REACHABLE.register(registry, self.providers.clone());
    }
}
