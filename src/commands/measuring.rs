//! Reports to the metrics: snapshots, the source's health and reconciles.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    api::SourceView,
    controller::{self, MissingSealingKeys, ReconcileMetrics},
    http::AppState,
    model::{ManagedKind, ObjectKind},
    telemetry::{Metrics, ReconcileOutcome, SealingKeysOutcome},
};

/// Reports each snapshot and the source's health to the metrics.
pub(super) async fn measure(app: Arc<AppState>, mut views: watch::Receiver<Arc<SourceView>>) {
    let mut changes = app.registry.changes();
    loop {
        let view = Arc::clone(&views.borrow_and_update());
        let snapshot = app.registry.snapshot();
        app.accounts.metrics.source_healthy(view.health.synced && view.health.failing.is_none());
        let objects = ManagedKind::ALL.map(|kind| (kind, view.objects.managed.of_kind(kind).len()));
        let tenants = snapshot.tenants().map(|tenant| tenant.tenant.id.clone());
        app.accounts.metrics.snapshot(snapshot.revision, snapshot.built_at, tenants, &objects);
        let gone = tokio::select! {
            changed = views.changed() => changed.is_err(),
            changed = changes.changed() => changed.is_err(),
        };
        if gone {
            return;
        }
        // Waits, so a burst of changes is reported once.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
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
