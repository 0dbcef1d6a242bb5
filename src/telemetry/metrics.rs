//! The metrics of the admin port, as OpenMetrics text.

use std::{
    fmt,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use prometheus_client::{encoding::text, metrics::info::Info, registry::Registry};

use super::{
    access_denials::AccessDenialReason,
    ages::ObjectTimes,
    audit_labels::TenantAuditEvent,
    descriptions,
    families::{FailedWrite, MetricFamilies},
    gauges::{Gauges, InFlightGuard},
    labels::{
        ANY_RECORD, EndpointLabel, FETCH_METHODS, FetchOutcome, FetchOutcomeLabels,
        NotificationOutcome, REFUSED_RECORD_KINDS, ReconcileOutcome, ReconcileOutcomeLabels,
        ReplayedKind, RequestOutcome, STORE_OPERATIONS, SealingKeysMissing, SealingKeysOutcome,
        StoreOperationLabels, TenantNotification, TenantRecord, TenantReplay, TenantRequestLabels,
        TenantToken, TokenKind, WriteErrorReason, WriteOperation,
    },
    logins::LoginOutcome,
    process::ProcessMetrics,
    process_descriptions,
    reachability::ProviderReachability,
    tenant_labels::TenantLabels,
};
use crate::model::{AuditOutcome, Endpoint, ObjectKey, ObjectKind, TenantId, Timestamp};

/// The metrics of a process. A tenant is a label value only while it is served: requests of other
/// tenants or none get an empty label, and a tenant's series are removed with it.
pub struct Metrics {
    registry: Registry,
    /// The metrics whose names have another prefix.
    process_registry: Registry,
    families: MetricFamilies,
    gauges: Gauges,
    ages: ObjectTimes,
    reachability: ProviderReachability,
    process: ProcessMetrics,
    /// The time at which the snapshot was built, in milliseconds.
    built_at: AtomicI64,
    tenants: TenantLabels,
}

impl Metrics {
    /// All metrics, at zero, with tenants as label values.
    pub fn new() -> Self {
        Self::with_tenants(true)
    }

    /// All metrics, at zero. Without `per_tenant`, the label of every tenant is empty, because many
    /// tenants have too many series.
    pub fn with_tenants(per_tenant: bool) -> Self {
        let families = MetricFamilies::default();
        families.begin();
        let mut registry = Registry::with_prefix(descriptions::PREFIX);
        families.register(&mut registry);
        let process = ProcessMetrics::default();
        let mut process_registry = Registry::with_prefix(process_descriptions::PROCESS_PREFIX);
        process.register(&mut process_registry);
        let gauges = Gauges::default();
        gauges.register(&mut registry);
        let version = vec![("version", env!("CARGO_PKG_VERSION"))];
        descriptions::BUILD.register(&mut registry, Info::new(version));
        Self {
            registry,
            process_registry,
            families,
            gauges,
            ages: ObjectTimes::default(),
            reachability: ProviderReachability::default(),
            process,
            built_at: AtomicI64::new(i64::MIN),
            tenants: TenantLabels::new(per_tenant),
        }
    }

    /// Counts a request as in flight until the guard is dropped.
    pub fn request_began(&self) -> InFlightGuard {
        InFlightGuard::begin(&self.gauges.requests)
    }

    /// The number of requests in flight.
    pub fn requests_in_flight(&self) -> usize {
        usize::try_from(self.gauges.requests.get()).unwrap_or(0)
    }

    /// Counts a request that was answered after `took`.
    pub fn request(
        &self,
        tenant: Option<&TenantId>,
        endpoint: Endpoint,
        outcome: RequestOutcome,
        took: Duration,
    ) {
        self.families
            .durations
            .get_or_create(&EndpointLabel { endpoint })
            .observe(took.as_secs_f64());
        let tenants = self.tenants.lock_labels();
        let tenant = tenants.label_of(tenant);
        self.families
            .requests
            .get_or_create(&TenantRequestLabels { tenant, endpoint, outcome })
            .inc();
    }

    /// Counts a security event. Events without a tenant have an empty label.
    pub(super) fn audited(
        &self,
        tenant: Option<&TenantId>,
        event: &'static str,
        outcome: AuditOutcome,
    ) {
        let tenants = self.tenants.lock_labels();
        let tenant = tenants.label_of(tenant);
        self.families
            .audit_events
            .get_or_create(&TenantAuditEvent { tenant, event, outcome })
            .inc();
    }

    /// Counts a sign-in attempt at a provider of the tenant, if it is known.
    pub(super) fn login(&self, tenant: &TenantId, provider: Option<&str>, outcome: LoginOutcome) {
        let tenants = self.tenants.lock_labels();
        self.families.logins.count(tenants.label_of(Some(tenant)), provider, outcome);
    }

    /// Counts a back-channel logout request.
    pub fn logout_notified(&self, tenant: &TenantId, outcome: NotificationOutcome) {
        let tenants = self.tenants.lock_labels();
        let tenant = tenants.label_of(Some(tenant));
        self.families.logouts.get_or_create(&TenantNotification { tenant, outcome }).inc();
    }

    /// Counts a notification that a person has answered a request over the backchannel (CIBA Core §10.2).
    pub fn ciba_notified(&self, tenant: &TenantId, outcome: NotificationOutcome) {
        let tenants = self.tenants.lock_labels();
        let tenant = tenants.label_of(Some(tenant));
        let labels = TenantNotification { tenant, outcome };
        self.families.ciba_notifications.get_or_create(&labels).inc();
    }

    /// Counts an issued token or code.
    pub(super) fn token_issued(&self, tenant: &TenantId, kind: TokenKind) {
        let tenants = self.tenants.lock_labels();
        let tenant = tenants.label_of(Some(tenant));
        self.families.tokens.get_or_create(&TenantToken { tenant, kind }).inc();
    }

    /// Counts a grant that was revoked because its credential was used again.
    pub(super) fn credential_replayed(&self, tenant: &TenantId, kind: ReplayedKind) {
        let tenants = self.tenants.lock_labels();
        let tenant = tenants.label_of(Some(tenant));
        self.families.replays.get_or_create(&TenantReplay { tenant, kind }).inc();
    }

    /// Counts a use of a client that an access rule refused.
    pub fn access_denied(&self, tenant: &TenantId, client: &ObjectKey, reason: AccessDenialReason) {
        let tenants = self.tenants.lock_labels();
        self.families.access_denials.count(tenants.label_of(Some(tenant)), client, reason);
    }

    /// Counts a record that was not stored, because its maker has too many; `kind` is one of `REFUSED_RECORD_KINDS`.
    pub fn record_refused(&self, tenant: &TenantId, kind: &'static str) {
        debug_assert!(REFUSED_RECORD_KINDS.iter().any(|(known, _)| *known == kind), "{kind}");
        let tenants = self.tenants.lock_labels();
        let tenant = tenants.label_of(Some(tenant));
        self.families.refused_records.get_or_create(&TenantRecord { tenant, kind }).inc();
    }

    /// Counts a record that was not stored, because its tenant has used up its space of the store.
    pub fn space_refused(&self, tenant: &TenantId) {
        self.record_refused(tenant, ANY_RECORD);
    }

    /// Counts a reconcile of an object.
    pub fn reconciled(&self, kind: ObjectKind, outcome: ReconcileOutcome) {
        let labels = ReconcileOutcomeLabels { kind: kind.as_str(), outcome };
        self.families.reconciles.get_or_create(&labels).inc();
    }

    /// Counts an occasion on which sealing keys were missing from their Secret.
    pub fn sealing_keys_missing(&self, outcome: SealingKeysOutcome) {
        self.families.sealing_keys_missing.get_or_create(&SealingKeysMissing { outcome }).inc();
    }

    /// Counts a store operation; `operation` is one of `STORE_OPERATIONS`.
    pub fn store_used(&self, operation: &'static str, took: Duration, failed: bool) {
        debug_assert!(STORE_OPERATIONS.iter().any(|(known, _)| *known == operation), "{operation}");
        let labels = StoreOperationLabels { operation };
        self.families.store_durations.get_or_create(&labels).observe(took.as_secs_f64());
        if failed {
            self.families.store_errors.get_or_create(&labels).inc();
        }
    }

    /// Counts a write to the API server that failed.
    pub fn write_failed(&self, operation: WriteOperation, reason: WriteErrorReason) {
        self.families.write_errors.get_or_create(&FailedWrite { operation, reason }).inc();
    }

    /// Counts a request to the server of an application or identity provider; `method` is one of `FETCH_METHODS`.
    pub fn fetched(&self, method: &'static str, outcome: FetchOutcome) {
        debug_assert!(FETCH_METHODS.iter().any(|(known, _)| *known == method), "{method}");
        self.families.fetches.get_or_create(&FetchOutcomeLabels { method, outcome }).inc();
    }

    /// Reports whether the source of objects (the API server, the folder) answers.
    pub fn source_healthy(&self, healthy: bool) {
        self.gauges.source_healthy.set(healthy.into());
    }

    /// Reports how many namespaces are to be watched and may not be.
    pub fn forbidden_namespaces(&self, count: usize) {
        self.gauges.forbidden_namespaces.set(count.try_into().unwrap_or(i64::MAX));
    }

    /// Reports whether this replica holds the Lease.
    pub fn leader(&self, leads: bool) {
        self.gauges.leader.set(leads.into());
    }

    /// Counts an accepted connection as open until the guard is dropped.
    pub fn connection_opened(&self) -> InFlightGuard {
        InFlightGuard::begin(&self.gauges.connections)
    }

    /// Reports how many password checks wait for a thread.
    pub fn passwords_queued(&self, waiting: usize) {
        self.gauges.passwords_queued.set(i64::try_from(waiting).unwrap_or(i64::MAX));
    }

    /// Reports by how many milliseconds this replica's clock is ahead of the store's.
    #[expect(clippy::cast_precision_loss, reason = "exact for 285,000 years")]
    pub fn clock_skew(&self, millis: i64) {
        self.gauges.clock_skew.set(millis as f64 / 1000.0);
    }

    /// Renders OpenMetrics 1.0 text (`application/openmetrics-text; version=1.0.0; charset=utf-8`).
    pub fn render(&self, now: Timestamp) -> String {
        let built_at = self.built_at.load(Ordering::Relaxed);
        if built_at != i64::MIN {
            self.gauges.age.set(now.since(Timestamp::from_millis(built_at)).as_secs_f64());
        }
        self.ages.report(&self.gauges, now);
        self.reachability.report(&self.gauges.providers);
        self.process.update();
        let mut output = String::new();
        text::encode_registry(&mut output, &self.process_registry)
            .and_then(|()| text::encode(&mut output, &self.registry))
            .expect("writing to a string does not fail");
        output
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

mod objects;
#[cfg(test)]
mod tests;
