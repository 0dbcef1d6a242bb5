//! Reports the state of the process to the metrics.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use crate::{
    api::{ConditionReason, IdentityProvider, SourceView, Tenant},
    controller::{self, MissingSealingKeys, ReconcileMetrics},
    http::AppState,
    model::{ManagedKind, ObjectKind, pause_after},
    registry::Snapshot,
    store::{InstrumentedStore, SharedStore, StoreError},
    telemetry::{
        Metrics, ReachableProvider, Readiness, ReconcileOutcome, SealingKeysOutcome,
        SigningKeyTimes,
    },
};

/// How long changes are collected, at least.
const DEBOUNCE: Duration = Duration::from_millis(200);

/// Reports each snapshot and the source's health to the metrics.
pub(super) async fn measure_snapshots(
    app: Arc<AppState>,
    mut views: watch::Receiver<Arc<SourceView>>,
) {
    let mut changes = app.registry.changes();
    loop {
        let started = Instant::now();
        let view = Arc::clone(&views.borrow_and_update());
        let snapshot = app.registry.snapshot();
        app.accounts.metrics.source_healthy(view.health.synced && view.health.failing.is_none());
        app.accounts.metrics.forbidden_namespaces(view.health.forbidden_namespaces.len());
        let objects = ManagedKind::ALL.map(|kind| (kind, view.objects.managed.of_kind(kind).len()));
        let tenants = snapshot.tenants().map(|tenant| tenant.tenant.id.clone());
        app.accounts.metrics.snapshot(snapshot.revision, snapshot.built_at, tenants, &objects);
        report_objects(&app, &view, &snapshot);
        let pause = pause_after(started.elapsed(), DEBOUNCE);
        let gone = tokio::select! {
            changed = views.changed() => changed.is_err(),
            changed = changes.changed() => changed.is_err(),
        };
        if gone {
            return;
        }
        tokio::time::sleep(pause).await;
    }
}

/// Reports readiness and signing keys to the metrics.
fn report_objects(app: &AppState, view: &SourceView, snapshot: &Snapshot) {
    let mut counts: HashMap<_, usize> = HashMap::new();
    for (_, object) in view.objects.managed.all() {
        let readiness = match object.status_digest().is_ready() {
            Some(true) => Readiness::Ready,
            Some(false) => Readiness::NotReady,
            None => Readiness::Unknown,
        };
        *counts.entry((object.kind(), readiness)).or_default() += 1;
    }
    for object in view.objects.malformed.keys() {
        if let ObjectKind::Managed(kind) = object.kind {
            *counts.entry((kind, Readiness::NotReady)).or_default() += 1;
        }
    }
    app.accounts.metrics.objects(&counts);
    let now = app.accounts.store_clock.at(app.now());
    let keys = snapshot.tenants().map(|served| {
        let tenant = &served.tenant;
        let own = view.objects.managed.get::<Tenant>(&tenant.id.0);
        // Imported keys have no backup, and are rotated by their owner.
        let rotates = own.is_some_and(|own| own.summary().backup.is_some());
        let times = SigningKeyTimes {
            signs_since: served.keys.oldest_signing_key(now).map(|key| key.times.signs_from),
            rotation_due: served
                .keys
                .rotation_due(tenant.key_rotation.interval)
                .filter(|_| rotates),
        };
        (tenant.id.clone(), times)
    });
    app.accounts.metrics.signing_keys(keys);
    let providers = snapshot.tenants().flat_map(|served| served.providers());
    app.accounts.metrics.providers(providers.filter_map(|provider| {
        let cached = view.objects.managed.get::<IdentityProvider>(&provider.object)?;
        let reason = (*cached.status_facts())?;
        Some(ReachableProvider {
            tenant: &provider.tenant,
            name: provider.name(),
            is_reachable: reason == ConditionReason::Reachable,
        })
    }));
}

/// Reports reconciles to the metrics.
pub(super) struct PrometheusReconcileMetrics(pub(super) Arc<Metrics>);

impl ReconcileMetrics for PrometheusReconcileMetrics {
    fn sealing_keys_missing(&self, outcome: MissingSealingKeys) {
        let outcome = match outcome {
            MissingSealingKeys::Restored => SealingKeysOutcome::Restored,
            MissingSealingKeys::Lost => SealingKeysOutcome::Lost,
        };
        self.0.sealing_keys_missing(outcome);
    }

    fn reconciled(&self, kind: ObjectKind, outcome: controller::ReconcileOutcome) {
        let outcome = match outcome {
            controller::ReconcileOutcome::Ok => ReconcileOutcome::Ok,
            controller::ReconcileOutcome::Problem => ReconcileOutcome::Problem,
            controller::ReconcileOutcome::Retry => ReconcileOutcome::Retry,
        };
        self.0.reconciled(kind, outcome);
    }
}

/// A store whose operations are counted and timed.
pub(super) fn observed_store(store: SharedStore, metrics: &Arc<Metrics>) -> SharedStore {
    let metrics = Arc::clone(metrics);
    Arc::new(InstrumentedStore::new(store, move |operation, took, error| {
        // The store works if a tenant has used up its space. The layer that refuses the record logs it.
        let failure = match error {
            Some(StoreError::NoSpace { tenant, .. }) => {
                metrics.space_refused(tenant);
                None
            }
            other => other,
        };
        if let Some(error) = failure {
            tracing::warn!(operation, %error, "store operation failed");
        }
        metrics.store_used(operation, took, failure.is_some());
    }))
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::{
        model::{ErrorCause, SeededEntropy, TenantId},
        store::{
            MemoryStore, Store, StoreLayer, StoreOperation,
            contract::{NOW, record},
        },
    };

    /// A store that has no space for records, and fails otherwise.
    #[derive(Debug)]
    struct Full(MemoryStore);

    #[async_trait]
    impl StoreLayer for Full {
        fn inner(&self) -> &dyn Store {
            &self.0
        }

        async fn before(&self, operation: StoreOperation<'_>) -> Result<(), StoreError> {
            Err(match operation {
                StoreOperation::Insert(record) => StoreError::NoSpace {
                    tenant: record.key.tenant.clone(),
                    why: "full".to_owned(),
                },
                _ => StoreError::Unavailable(ErrorCause::new("away")),
            })
        }
    }

    #[tokio::test]
    async fn a_tenant_without_space_is_not_counted_as_an_error_of_the_store() {
        let metrics = Arc::new(Metrics::new());
        metrics.snapshot(1, NOW, [TenantId::new("team", "main")].into_iter(), &[]);
        let full = Full(MemoryStore::new(&SeededEntropy::new(1), 10));
        let store = observed_store(Arc::new(full), &metrics);
        assert!(store.insert(record("a"), NOW).await.is_err());
        assert!(store.state().await.is_err());
        let text = metrics.render(NOW);
        for expected in [
            "lanyard_store_errors_total{operation=\"insert\"} 0",
            "lanyard_store_errors_total{operation=\"state\"} 1",
            "lanyard_refused_records_total{tenant=\"team/main\",kind=\"any\"} 1",
        ] {
            assert!(text.lines().any(|line| line == expected), "{expected} in\n{text}");
        }
    }
}
