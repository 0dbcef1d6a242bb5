//! The labelled metrics of the process.

use std::sync::Arc;

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use super::{
    descriptions,
    labels::{
        EndpointOnly, KindOnly, KindOutcome, LoginOutcome, LogoutOutcome, MethodOutcome,
        ReplayedKind, RequestOutcome, SealingKeysMissing, SealingKeysOutcome, StoreErrorLabels,
        TenantLogin, TenantLogout, TenantReplay, TenantRequestLabels, TenantToken, TokenKind,
    },
};
use crate::model::Endpoint;

/// Buckets in seconds, from a discovery request to a sign-in that waited in a queue.
const SECONDS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

pub(super) struct MetricFamilies {
    pub(super) requests: Family<TenantRequestLabels, Counter>,
    pub(super) durations: Family<EndpointOnly, Histogram, fn() -> Histogram>,
    pub(super) logins: Family<TenantLogin, Counter>,
    pub(super) logouts: Family<TenantLogout, Counter>,
    pub(super) tokens: Family<TenantToken, Counter>,
    pub(super) replays: Family<TenantReplay, Counter>,
    pub(super) reconciles: Family<KindOutcome, Counter>,
    pub(super) sealing_keys_missing: Family<SealingKeysMissing, Counter>,
    pub(super) store_errors: Family<StoreErrorLabels, Counter>,
    pub(super) fetches: Family<MethodOutcome, Counter>,
    pub(super) objects: Family<KindOnly, Gauge>,
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
            logins: Family::default(),
            logouts: Family::default(),
            tokens: Family::default(),
            replays: Family::default(),
            reconciles: Family::default(),
            sealing_keys_missing,
            store_errors: Family::default(),
            fetches: Family::default(),
            objects: Family::default(),
        }
    }
}

impl MetricFamilies {
    pub(super) fn register(&self, registry: &mut Registry) {
        descriptions::REQUESTS.register(registry, self.requests.clone());
        descriptions::REQUEST_DURATION.register(registry, self.durations.clone());
        descriptions::LOGINS.register(registry, self.logins.clone());
        descriptions::BACKCHANNEL_LOGOUTS.register(registry, self.logouts.clone());
        descriptions::TOKENS_ISSUED.register(registry, self.tokens.clone());
        descriptions::REPLAYS.register(registry, self.replays.clone());
        descriptions::RECONCILES.register(registry, self.reconciles.clone());
        descriptions::SEALING_KEYS_MISSING.register(registry, self.sealing_keys_missing.clone());
        descriptions::STORE_ERRORS.register(registry, self.store_errors.clone());
        descriptions::FETCHES.register(registry, self.fetches.clone());
        descriptions::SNAPSHOT_OBJECTS.register(registry, self.objects.clone());
    }

    /// Removes the series of a tenant.
    pub(super) fn forget(&self, tenant: &Arc<str>) {
        for &endpoint in Endpoint::ALL {
            for &outcome in RequestOutcome::ALL {
                let tenant = Arc::clone(tenant);
                self.requests.remove(&TenantRequestLabels { tenant, endpoint, outcome });
            }
        }
        for &outcome in LoginOutcome::ALL {
            self.logins.remove(&TenantLogin { tenant: Arc::clone(tenant), outcome });
        }
        for &outcome in LogoutOutcome::ALL {
            self.logouts.remove(&TenantLogout { tenant: Arc::clone(tenant), outcome });
        }
        for &kind in TokenKind::ALL {
            self.tokens.remove(&TenantToken { tenant: Arc::clone(tenant), kind });
        }
        for &kind in ReplayedKind::ALL {
            self.replays.remove(&TenantReplay { tenant: Arc::clone(tenant), kind });
        }
    }
}
