//! The metrics of the admin port, as OpenMetrics text.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use prometheus_client::{encoding::text, metrics::info::Info, registry::Registry};

use super::{
    descriptions,
    families::MetricFamilies,
    gauges::{Gauges, InFlightGuard},
    labels::{
        EndpointOnly, FETCH_METHODS, FetchOutcome, KindOnly, KindOutcome, LoginOutcome,
        LogoutOutcome, MethodOutcome, ReconcileOutcome, ReplayedKind, RequestOutcome,
        STORE_OPERATIONS, SealingKeysMissing, SealingKeysOutcome, StoreErrorLabels, TenantLogin,
        TenantLogout, TenantReplay, TenantRequestLabels, TenantToken, TokenKind,
    },
};
use crate::model::{Endpoint, ManagedKind, ObjectKind, TenantId, Timestamp};

/// The metrics of a process. A tenant is a label value only while it is served: requests of other
/// tenants or none get an empty label, and a tenant's series are removed with it.
pub struct Metrics {
    registry: Registry,
    families: MetricFamilies,
    gauges: Gauges,
    /// The time at which the snapshot was built, in milliseconds.
    built_at: AtomicI64,
    /// The tenants served, with their labels. Locked while a series is written, so a removed series
    /// is not recreated.
    tenants: RwLock<HashMap<TenantId, Arc<str>>>,
}

impl Metrics {
    /// All metrics, at zero.
    pub fn new() -> Self {
        let families = MetricFamilies::default();
        let mut registry = Registry::with_prefix(descriptions::PREFIX);
        families.register(&mut registry);
        let gauges = Gauges::default();
        gauges.register(&mut registry);
        let version = vec![("version", env!("CARGO_PKG_VERSION"))];
        descriptions::BUILD.register(&mut registry, Info::new(version));
        let tenants = RwLock::default();
        Self { registry, families, gauges, built_at: AtomicI64::new(i64::MIN), tenants }
    }

    /// Counts a request as in flight until the guard is dropped.
    pub fn request_began(&self) -> InFlightGuard {
        InFlightGuard::begin(&self.gauges.requests)
    }

    /// The number of requests in flight.
    pub fn requests_in_flight(&self) -> usize {
        usize::try_from(self.gauges.requests.get()).unwrap_or(0)
    }

    /// Counts a request that was answered with `status` after `took`.
    pub fn request(
        &self,
        tenant: Option<&TenantId>,
        endpoint: Endpoint,
        status: u16,
        took: Duration,
    ) {
        self.families
            .durations
            .get_or_create(&EndpointOnly { endpoint })
            .observe(took.as_secs_f64());
        let outcome = RequestOutcome::of_status(status);
        let tenants = self.tenants();
        let tenant = label(&tenants, tenant);
        self.families
            .requests
            .get_or_create(&TenantRequestLabels { tenant, endpoint, outcome })
            .inc();
    }

    /// Counts a sign-in attempt.
    pub fn login(&self, tenant: &TenantId, outcome: LoginOutcome) {
        let tenants = self.tenants();
        let tenant = label(&tenants, Some(tenant));
        self.families.logins.get_or_create(&TenantLogin { tenant, outcome }).inc();
    }

    /// Counts a back-channel logout request.
    pub fn logout_notified(&self, tenant: &TenantId, outcome: LogoutOutcome) {
        let tenants = self.tenants();
        let tenant = label(&tenants, Some(tenant));
        self.families.logouts.get_or_create(&TenantLogout { tenant, outcome }).inc();
    }

    /// Counts an issued token or code.
    pub fn token_issued(&self, tenant: &TenantId, kind: TokenKind) {
        let tenants = self.tenants();
        let tenant = label(&tenants, Some(tenant));
        self.families.tokens.get_or_create(&TenantToken { tenant, kind }).inc();
    }

    /// Counts a grant that was revoked because its credential was used again.
    pub fn credential_replayed(&self, tenant: &TenantId, kind: ReplayedKind) {
        let tenants = self.tenants();
        let tenant = label(&tenants, Some(tenant));
        self.families.replays.get_or_create(&TenantReplay { tenant, kind }).inc();
    }

    /// Counts a reconcile of an object.
    pub fn reconciled(&self, kind: ObjectKind, outcome: ReconcileOutcome) {
        let labels = KindOutcome { kind: kind.as_str(), outcome };
        self.families.reconciles.get_or_create(&labels).inc();
    }

    /// Counts an occasion on which sealing keys were missing from their Secret.
    pub fn sealing_keys_missing(&self, outcome: SealingKeysOutcome) {
        self.families.sealing_keys_missing.get_or_create(&SealingKeysMissing { outcome }).inc();
    }

    /// Counts a failed store operation; `operation` is one of `STORE_OPERATIONS`.
    pub fn store_failed(&self, operation: &'static str) {
        debug_assert!(STORE_OPERATIONS.iter().any(|(known, _)| *known == operation), "{operation}");
        self.families.store_errors.get_or_create(&StoreErrorLabels { operation }).inc();
    }

    /// Counts a request to a client's server; `method` is one of `FETCH_METHODS`.
    pub fn fetched(&self, method: &'static str, outcome: FetchOutcome) {
        debug_assert!(FETCH_METHODS.iter().any(|(known, _)| *known == method), "{method}");
        self.families.fetches.get_or_create(&MethodOutcome { method, outcome }).inc();
    }

    /// Reports the current snapshot: its tenants, and the number of its objects per kind.
    pub fn snapshot(
        &self,
        revision: u64,
        built_at: Timestamp,
        tenants: impl IntoIterator<Item = TenantId>,
        objects: &[(ManagedKind, usize)],
    ) {
        self.gauges.revision.set(i64::try_from(revision).unwrap_or(i64::MAX));
        self.built_at.store(built_at.millis(), Ordering::Relaxed);
        for (kind, count) in objects {
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            self.families.objects.get_or_create(&KindOnly::from(*kind)).set(count);
        }
        let served = tenants.into_iter().map(|tenant| {
            let label = Arc::from(tenant.to_string());
            (tenant, label)
        });
        let served: HashMap<TenantId, Arc<str>> = served.collect();
        let mut known = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        for (_, label) in known.iter().filter(|(tenant, _)| !served.contains_key(tenant)) {
            self.families.forget(label);
        }
        *known = served;
    }

    /// Reports whether the source of objects (the API server, the folder) answers.
    pub fn source_healthy(&self, healthy: bool) {
        self.gauges.source_healthy.set(healthy.into());
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
        let mut output = String::new();
        text::encode(&mut output, &self.registry).expect("writing to a string does not fail");
        output
    }

    fn tenants(&self) -> RwLockReadGuard<'_, HashMap<TenantId, Arc<str>>> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The label of a tenant if it is served; empty otherwise.
fn label(tenants: &HashMap<TenantId, Arc<str>>, tenant: Option<&TenantId>) -> Arc<str> {
    tenant.and_then(|tenant| tenants.get(tenant)).cloned().unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::telemetry::METRICS;

    const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);

    fn tenant(name: &str) -> TenantId {
        TenantId::new("team", name)
    }

    fn serving(names: &[&str]) -> Metrics {
        let metrics = Metrics::new();
        metrics.snapshot(
            7,
            NOW,
            names.iter().map(|name| tenant(name)),
            &[(ManagedKind::Tenant, 2)],
        );
        metrics
    }

    fn has(metrics: &Metrics, line: &str) -> bool {
        metrics.render(NOW.plus(Duration::from_secs(3))).lines().any(|found| found == line)
    }

    #[test]
    fn counts_open_connections() {
        let metrics = serving(&[]);
        let (_open, ended) = (metrics.connection_opened(), metrics.connection_opened());
        drop(ended);
        assert!(has(&metrics, "lanyard_connections 1"));
    }

    #[test]
    fn counts_requests_in_flight() {
        let metrics = serving(&[]);
        let (one, other) = (metrics.request_began(), metrics.request_began());
        drop(one);
        assert_eq!(metrics.requests_in_flight(), 1);
        assert!(has(&metrics, "lanyard_requests_in_flight 1"));
        drop(other);
        assert_eq!(metrics.requests_in_flight(), 0);
    }

    #[test]
    fn counts_requests_by_tenant_endpoint_and_outcome() {
        let metrics = serving(&["main"]);
        for status in [200, 304, 400, 503] {
            let took = Duration::from_millis(2);
            metrics.request(Some(&tenant("main")), Endpoint::Token, status, took);
        }
        let line = |outcome, count| {
            format!(
                "lanyard_requests_total{{tenant=\"team/main\",endpoint=\"token\",outcome=\"{outcome}\"}} {count}"
            )
        };
        for (outcome, count) in [("ok", 2), ("refused", 1), ("failed", 1)] {
            assert!(has(&metrics, &line(outcome, count)), "{}", metrics.render(NOW));
        }
        assert!(has(&metrics, "lanyard_request_duration_seconds_count{endpoint=\"token\"} 4"));
    }

    /// Type and label names of each metric in the text form, by name without the counters' suffix.
    fn exposed(text: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        let labels = |name: &str| {
            let series =
                text.lines().filter(|line| !line.starts_with('#') && line.starts_with(name));
            let labels = series.filter_map(|line| Some(line.split_once('{')?.1.split_once('}')?.0));
            let names = labels
                .flat_map(|labels| labels.split("\","))
                .filter_map(|label| label.split_once('='));
            names.map(|(name, _)| name.to_owned()).filter(|name| name != "le").collect()
        };
        types.map(|(name, kind)| (name.to_owned(), (kind.to_owned(), labels(name)))).collect()
    }

    #[test]
    fn each_metric_has_the_described_type_and_labels() {
        let metrics = serving(&["main"]);
        // A family is exposed once it has a series.
        metrics.request(None, Endpoint::Token, 200, Duration::ZERO);
        metrics.login(&tenant("main"), LoginOutcome::Success);
        metrics.logout_notified(&tenant("main"), LogoutOutcome::Ok);
        metrics.token_issued(&tenant("main"), TokenKind::Code);
        metrics.reconciled(ManagedKind::Tenant.into(), ReconcileOutcome::Ok);
        metrics.store_failed("insert");
        metrics.fetched("get", FetchOutcome::Ok);
        let described = METRICS.iter().map(|metric| {
            let name = metric.full_name();
            let name = name.trim_end_matches("_total").trim_end_matches("_info").to_owned();
            let labels = metric.labels.iter().map(|label| label.name.to_owned()).collect();
            (name, (metric.metric_type.as_str().to_owned(), labels))
        });
        let text = metrics.render(NOW);
        assert_eq!(exposed(&text), described.collect(), "{text}");
    }

    #[test]
    fn an_unserved_tenant_has_an_empty_label() {
        let metrics = serving(&["main"]);
        metrics.login(&tenant("invented"), LoginOutcome::Failure);
        assert!(!metrics.render(NOW).contains("invented"));
        assert!(has(&metrics, "lanyard_logins_total{tenant=\"\",outcome=\"failure\"} 1"));
    }

    #[test]
    fn the_series_of_a_tenant_are_removed_with_it() {
        let metrics = serving(&["main", "gone"]);
        for name in ["main", "gone"] {
            let id = tenant(name);
            metrics.request(Some(&id), Endpoint::Login, 200, Duration::ZERO);
            metrics.login(&id, LoginOutcome::Success);
            metrics.token_issued(&id, TokenKind::IdToken);
        }
        assert!(metrics.render(NOW).contains("team/gone"));
        metrics.snapshot(8, NOW, [tenant("main")], &[(ManagedKind::Tenant, 1)]);
        let text = metrics.render(NOW);
        assert!(!text.contains("team/gone"), "{text}");
        assert!(text.contains("team/main"));
        metrics.login(&tenant("gone"), LoginOutcome::Success);
        assert!(!metrics.render(NOW).contains("team/gone"), "nor do late requests bring them back");
    }

    #[test]
    fn renders_the_snapshot_and_process_metrics() {
        let metrics = serving(&["main"]);
        metrics.source_healthy(true);
        metrics.leader(false);
        metrics.passwords_queued(4);
        metrics.clock_skew(-30_500);
        metrics.store_failed("insert");
        metrics.reconciled(ManagedKind::OidcClient.into(), ReconcileOutcome::Retry);
        for line in [
            "lanyard_snapshot_revision 7",
            "lanyard_snapshot_age_seconds 3.0",
            "lanyard_snapshot_objects{kind=\"Tenant\"} 2",
            "lanyard_source_healthy 1",
            "lanyard_leader 0",
            "lanyard_password_checks_queued 4",
            "lanyard_clock_skew_seconds -30.5",
            "lanyard_store_errors_total{operation=\"insert\"} 1",
            "lanyard_reconciles_total{kind=\"OidcClient\",outcome=\"retry\"} 1",
            "# EOF",
        ] {
            assert!(has(&metrics, line), "{line} in\n{}", metrics.render(NOW));
        }
    }
}
