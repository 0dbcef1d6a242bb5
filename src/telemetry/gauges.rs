//! The gauges of the process.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    metrics::gauge::Gauge,
    registry::{Registry, Unit},
};

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
    pub(super) age: Gauge<f64, AtomicU64>,
    pub(super) source_healthy: Gauge,
    pub(super) leader: Gauge,
    pub(super) connections: Gauge,
    pub(super) requests: Gauge,
    pub(super) passwords_queued: Gauge,
    pub(super) clock_skew: Gauge<f64, AtomicU64>,
}

impl Gauges {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "snapshot_revision",
            "Revision of the current snapshot",
            self.revision.clone(),
        );
        registry.register_with_unit(
            "snapshot_age",
            "Age of the current snapshot",
            Unit::Seconds,
            self.age.clone(),
        );
        registry.register(
            "source_healthy",
            "1 if the source of objects answers, 0 if it does not and the last snapshot stays in use",
            self.source_healthy.clone(),
        );
        registry.register("leader", "1 if this replica holds the Lease", self.leader.clone());
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register("requests_in_flight", "Requests in flight", self.requests.clone());
        registry.register(
            "password_checks_queued",
            "Password checks that wait for a thread",
            self.passwords_queued.clone(),
        );
        registry.register_with_unit(
            "clock_skew",
            "Time by which this replica's clock is ahead of the store's, negative if behind",
            Unit::Seconds,
            self.clock_skew.clone(),
        );
    }
}
