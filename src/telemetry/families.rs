//! The labelled metrics of the process.

use std::sync::Arc;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use super::{
    access_denials::AccessDenialCounters,
    audit_labels::{TenantAuditEvent, audit_labels},
    descriptions,
    labels::{
        EndpointLabel, FETCH_METHODS, FetchOutcome, FetchOutcomeLabels, KindLabel,
        NotificationOutcome, REFUSED_RECORD_KINDS, Readiness, ReconcileOutcome,
        ReconcileOutcomeLabels, ReplayedKind, RequestOutcome, STORE_OPERATIONS, SealingKeysMissing,
        SealingKeysOutcome, StoreOperationLabels, TenantNotification, TenantRecord, TenantReplay,
        TenantRequestLabels, TenantToken, TokenKind, WriteErrorReason, WriteOperation,
    },
    logins::LoginMetrics,
};
use crate::model::{Endpoint, ManagedKind, ObjectKind};

/// Buckets in seconds, from a discovery request to a sign-in that waited in a queue.
const SECONDS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct KindReadiness {
    pub kind: &'static str,
    pub ready: Readiness,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct FailedWrite {
    pub operation: WriteOperation,
    pub reason: WriteErrorReason,
}

pub(super) struct MetricFamilies {
    pub(super) requests: Family<TenantRequestLabels, Counter>,
    pub(super) durations: Family<EndpointLabel, Histogram, fn() -> Histogram>,
    pub(super) logins: LoginMetrics,
    pub(super) logouts: Family<TenantNotification, Counter>,
    pub(super) ciba_notifications: Family<TenantNotification, Counter>,
    pub(super) tokens: Family<TenantToken, Counter>,
    pub(super) replays: Family<TenantReplay, Counter>,
    pub(super) audit_events: Family<TenantAuditEvent, Counter>,
    pub(super) access_denials: AccessDenialCounters,
    pub(super) refused_records: Family<TenantRecord, Counter>,
    pub(super) reconciles: Family<ReconcileOutcomeLabels, Counter>,
    pub(super) sealing_keys_missing: Family<SealingKeysMissing, Counter>,
    pub(super) store_errors: Family<StoreOperationLabels, Counter>,
    pub(super) fetches: Family<FetchOutcomeLabels, Counter>,
    pub(super) objects: Family<KindLabel, Gauge>,
    pub(super) readiness: Family<KindReadiness, Gauge>,
    pub(super) store_durations: Family<StoreOperationLabels, Histogram, fn() -> Histogram>,
    pub(super) write_errors: Family<FailedWrite, Counter>,
}

impl Default for MetricFamilies {
    fn default() -> Self {
        let sealing_keys_missing = Family::default();
        // An alert by `rate` needs the series before its first event.
        for &outcome in SealingKeysOutcome::ALL {
            drop(sealing_keys_missing.get_or_create(&SealingKeysMissing { outcome }));
        }
        Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            logins: LoginMetrics::default(),
            logouts: Family::default(),
            ciba_notifications: Family::default(),
            tokens: Family::default(),
            replays: Family::default(),
            audit_events: Family::default(),
            access_denials: AccessDenialCounters::default(),
            refused_records: Family::default(),
            reconciles: Family::default(),
            sealing_keys_missing,
            store_errors: Family::default(),
            fetches: Family::default(),
            objects: Family::default(),
            readiness: Family::default(),
            store_durations: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            write_errors: Family::default(),
        }
    }
}

impl MetricFamilies {
    pub(super) fn register(&self, registry: &mut Registry) {
        descriptions::REQUESTS.register(registry, self.requests.clone());
        descriptions::REQUEST_DURATION.register(registry, self.durations.clone());
        descriptions::LOGINS.register(registry, self.logins.counters());
        descriptions::BACKCHANNEL_LOGOUTS.register(registry, self.logouts.clone());
        descriptions::CIBA_NOTIFICATIONS.register(registry, self.ciba_notifications.clone());
        descriptions::TOKENS_ISSUED.register(registry, self.tokens.clone());
        descriptions::REPLAYS.register(registry, self.replays.clone());
        descriptions::AUDIT_EVENTS.register(registry, self.audit_events.clone());
        descriptions::ACCESS_DENIALS.register(registry, self.access_denials.counters());
        descriptions::REFUSED_RECORDS.register(registry, self.refused_records.clone());
        descriptions::RECONCILES.register(registry, self.reconciles.clone());
        descriptions::SEALING_KEYS_MISSING.register(registry, self.sealing_keys_missing.clone());
        descriptions::STORE_ERRORS.register(registry, self.store_errors.clone());
        descriptions::FETCHES.register(registry, self.fetches.clone());
        descriptions::SNAPSHOT_OBJECTS.register(registry, self.objects.clone());
        descriptions::OBJECTS.register(registry, self.readiness.clone());
        descriptions::STORE_DURATION.register(registry, self.store_durations.clone());
        descriptions::WRITE_ERRORS.register(registry, self.write_errors.clone());
    }

    /// Creates the series of all label values that are known, so that a rate exists before the
    /// first event.
    pub(super) fn begin(&self) {
        self.begin_tenant(&Arc::default(), RequestOutcome::ALL);
        for labels in audit_labels(&Arc::default()) {
            drop(self.audit_events.get_or_create(&labels));
        }
        for &endpoint in Endpoint::ALL {
            drop(self.durations.get_or_create(&EndpointLabel { endpoint }));
        }
        for &outcome in ReconcileOutcome::ALL {
            for kind in
                ManagedKind::ALL.map(ObjectKind::from).into_iter().chain([ObjectKind::Secret])
            {
                drop(
                    self.reconciles
                        .get_or_create(&ReconcileOutcomeLabels { kind: kind.as_str(), outcome }),
                );
            }
        }
        for &(operation, _) in STORE_OPERATIONS {
            drop(self.store_errors.get_or_create(&StoreOperationLabels { operation }));
            drop(self.store_durations.get_or_create(&StoreOperationLabels { operation }));
        }
        for &(method, _) in FETCH_METHODS {
            for &outcome in FetchOutcome::ALL {
                drop(self.fetches.get_or_create(&FetchOutcomeLabels { method, outcome }));
            }
        }
        for &operation in WriteOperation::ALL {
            for &reason in WriteErrorReason::ALL {
                drop(self.write_errors.get_or_create(&FailedWrite { operation, reason }));
            }
        }
        for kind in ManagedKind::ALL.map(ManagedKind::as_str) {
            for &ready in Readiness::ALL {
                drop(self.readiness.get_or_create(&KindReadiness { kind, ready }));
            }
        }
    }

    /// Creates the series of a tenant, with these outcomes of requests.
    pub(super) fn begin_tenant(&self, tenant: &Arc<str>, outcomes: &[RequestOutcome]) {
        for &endpoint in Endpoint::ALL {
            for &outcome in outcomes {
                let tenant = Arc::clone(tenant);
                let labels = TenantRequestLabels { tenant, endpoint, outcome };
                drop(self.requests.get_or_create(&labels));
            }
        }
        self.logins.begin_tenant(tenant);
        for &outcome in NotificationOutcome::ALL {
            let labels = TenantNotification { tenant: Arc::clone(tenant), outcome };
            drop(self.logouts.get_or_create(&labels));
            drop(self.ciba_notifications.get_or_create(&labels));
        }
        for &kind in TokenKind::ALL {
            let tenant = Arc::clone(tenant);
            drop(self.tokens.get_or_create(&TenantToken { tenant, kind }));
        }
        for &kind in ReplayedKind::ALL {
            let tenant = Arc::clone(tenant);
            drop(self.replays.get_or_create(&TenantReplay { tenant, kind }));
        }
        self.access_denials.begin_tenant(tenant);
        for &(kind, _) in REFUSED_RECORD_KINDS {
            let tenant = Arc::clone(tenant);
            drop(self.refused_records.get_or_create(&TenantRecord { tenant, kind }));
        }
    }

    /// Removes the series of a tenant.
    pub(super) fn forget(&self, tenant: &Arc<str>) {
        for &endpoint in Endpoint::ALL {
            for &outcome in RequestOutcome::ALL {
                let tenant = Arc::clone(tenant);
                self.requests.remove(&TenantRequestLabels { tenant, endpoint, outcome });
            }
        }
        self.logins.forget(tenant);
        for &outcome in NotificationOutcome::ALL {
            let labels = TenantNotification { tenant: Arc::clone(tenant), outcome };
            self.logouts.remove(&labels);
            self.ciba_notifications.remove(&labels);
        }
        for &kind in TokenKind::ALL {
            self.tokens.remove(&TenantToken { tenant: Arc::clone(tenant), kind });
        }
        for &kind in ReplayedKind::ALL {
            self.replays.remove(&TenantReplay { tenant: Arc::clone(tenant), kind });
        }
        for labels in audit_labels(tenant) {
            self.audit_events.remove(&labels);
        }
        self.access_denials.forget(tenant);
        for &(kind, _) in REFUSED_RECORD_KINDS {
            self.refused_records.remove(&TenantRecord { tenant: Arc::clone(tenant), kind });
        }
    }
}
