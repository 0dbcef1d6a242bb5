//! The metrics that go up and down.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    metrics::gauge::Gauge,
    registry::{Registry, Unit},
};

/// Something that goes on: counted in a gauge until this is dropped.
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
            "Revision of the snapshot that is served",
            self.revision.clone(),
        );
        registry.register_with_unit(
            "snapshot_age",
            "Time since the snapshot that is served was built",
            Unit::Seconds,
            self.age.clone(),
        );
        registry.register(
            "source_healthy",
            "1 if the source of objects answers, 0 if the last snapshot is served without it",
            self.source_healthy.clone(),
        );
        registry.register("leader", "1 if this replica holds the Lease", self.leader.clone());
        registry.register("connections", "Connections that are open", self.connections.clone());
        registry.register(
            "requests_in_flight",
            "Requests that have come and are not answered",
            self.requests.clone(),
        );
        registry.register(
            "password_checks_queued",
            "Password checks that wait for a thread",
            self.passwords_queued.clone(),
        );
        registry.register_with_unit(
            "clock_skew",
            "How far this replica's clock is ahead of the store's, negative if behind",
            Unit::Seconds,
            self.clock_skew.clone(),
        );
    }
}
