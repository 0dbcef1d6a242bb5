//! Every metric with its type, labels and help. The registry and `docs/reference/metrics.md` are made from this table.

use prometheus_client::registry::{Metric, Registry, Unit};

use super::labels::{
    FETCH_METHODS, FetchOutcome, LabelValues, LoginOutcome, LogoutOutcome, ReconcileOutcome,
    ReplayedKind, RequestOutcome, STORE_OPERATIONS, SealingKeysOutcome, TokenKind,
};
use crate::model::Endpoint;

/// The prefix of all names.
pub(super) const PREFIX: &str = "lanyard";

/// Types of metrics (OpenMetrics 1.0 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricType {
    /// A count that only grows while the process runs.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// Observations by size.
    Histogram,
    /// A constant 1, with facts in labels.
    Info,
}

impl MetricType {
    /// The word on the metric's `# TYPE` line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }
}

/// A label of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelDescription {
    /// The label's name.
    pub name: &'static str,
    /// The values in words, as Markdown; empty if all are in `values`.
    pub meaning: &'static str,
    /// The values that have a meaning of their own.
    pub values: LabelValues,
}

/// A metric that `/metrics` exposes.
#[derive(Clone, Copy, Debug)]
pub struct MetricDescription {
    name: &'static str,
    unit: Option<&'static str>,
    /// Its type.
    pub metric_type: MetricType,
    /// Its labels.
    pub labels: &'static [LabelDescription],
    /// Its help, without a full stop.
    pub help: &'static str,
}

impl MetricDescription {
    /// The name of its series, to which those of a histogram add `_bucket`, `_count` and `_sum`.
    pub fn full_name(&self) -> String {
        let suffix = match self.metric_type {
            MetricType::Counter => "_total",
            MetricType::Info => "_info",
            MetricType::Gauge | MetricType::Histogram => "",
        };
        let unit = self.unit.map(|unit| format!("_{unit}")).unwrap_or_default();
        format!("{PREFIX}_{}{unit}{suffix}", self.name)
    }

    /// Adds `metric` to the registry under this name and help.
    pub(super) fn register(&self, registry: &mut Registry, metric: impl Metric) {
        match self.unit {
            Some(unit) => {
                let unit = Unit::Other(unit.to_owned());
                registry.register_with_unit(self.name, self.help, unit, metric);
            }
            None => registry.register(self.name, self.help, metric),
        }
    }
}

const fn counter(
    name: &'static str,
    labels: &'static [LabelDescription],
    help: &'static str,
) -> MetricDescription {
    MetricDescription { name, unit: None, metric_type: MetricType::Counter, labels, help }
}

const fn gauge(name: &'static str, help: &'static str) -> MetricDescription {
    MetricDescription { name, unit: None, metric_type: MetricType::Gauge, labels: &[], help }
}

const fn values(name: &'static str, values: LabelValues) -> LabelDescription {
    LabelDescription { name, meaning: "", values }
}

const SECONDS: Option<&str> = Some("seconds");

const TENANT: LabelDescription = LabelDescription {
    name: "tenant",
    meaning: "The tenant as `<namespace>/<name>`. Empty if there is no tenant, or if it is not served.",
    values: &[],
};
const KIND: LabelDescription = LabelDescription {
    name: "kind",
    meaning: "The kind of the objects: `Tenant`, `OidcClient` or `OidcUser`. `lanyard_reconciles_total` also has \
              `Secret`, for the Secret of sealing keys.",
    values: &[],
};
const VERSION: LabelDescription =
    LabelDescription { name: "version", meaning: "The version of Lanyard.", values: &[] };
const ENDPOINT: LabelDescription = values("endpoint", Endpoint::LABELS);

pub(super) const REQUESTS: MetricDescription = counter(
    "requests",
    &[TENANT, ENDPOINT, values("outcome", RequestOutcome::VALUES)],
    "Requests that were answered, by tenant, endpoint and outcome",
);
pub(super) const REQUEST_DURATION: MetricDescription = MetricDescription {
    name: "request_duration",
    unit: SECONDS,
    metric_type: MetricType::Histogram,
    labels: &[ENDPOINT],
    help: "Time from a request's head to its response, by endpoint",
};
pub(super) const LOGINS: MetricDescription = counter(
    "logins",
    &[TENANT, values("outcome", LoginOutcome::VALUES)],
    "Sign-in attempts, by tenant and outcome",
);
pub(super) const BACKCHANNEL_LOGOUTS: MetricDescription = counter(
    "backchannel_logouts",
    &[TENANT, values("outcome", LogoutOutcome::VALUES)],
    "Back-channel logout requests sent, by tenant and outcome",
);
pub(super) const TOKENS_ISSUED: MetricDescription = counter(
    "tokens_issued",
    &[TENANT, values("kind", TokenKind::VALUES)],
    "Issued tokens and codes, by tenant and kind",
);
pub(super) const REPLAYS: MetricDescription = counter(
    "replays",
    &[TENANT, values("kind", ReplayedKind::VALUES)],
    "Grants that were revoked because a code or refresh token was used again, by tenant and kind",
);
pub(super) const RECONCILES: MetricDescription = counter(
    "reconciles",
    &[KIND, values("outcome", ReconcileOutcome::VALUES)],
    "Reconciled objects, by kind and outcome",
);
pub(super) const SEALING_KEYS_MISSING: MetricDescription = counter(
    "sealing_keys_missing",
    &[values("outcome", SealingKeysOutcome::VALUES)],
    "Occasions on which sealing keys were missing from their Secret, by outcome",
);
pub(super) const STORE_ERRORS: MetricDescription = counter(
    "store_errors",
    &[values("operation", STORE_OPERATIONS)],
    "Store operations that failed, by operation",
);
pub(super) const FETCHES: MetricDescription = counter(
    "fetches",
    &[values("method", FETCH_METHODS), values("outcome", FetchOutcome::VALUES)],
    "Calls to clients' servers, by method and outcome",
);
pub(super) const SNAPSHOT_OBJECTS: MetricDescription = MetricDescription {
    labels: &[KIND],
    ..gauge("snapshot_objects", "Objects from which the served snapshot was built, by kind")
};
pub(super) const SNAPSHOT_REVISION: MetricDescription =
    gauge("snapshot_revision", "Revision of the served snapshot");
pub(super) const SNAPSHOT_AGE: MetricDescription = MetricDescription {
    unit: SECONDS,
    ..gauge("snapshot_age", "Time since the served snapshot was built")
};
pub(super) const SOURCE_HEALTHY: MetricDescription = gauge(
    "source_healthy",
    "1 if the API server (in `dev`, the folder) can be read, 0 if the last snapshot is served without it",
);
pub(super) const LEADER: MetricDescription =
    gauge("leader", "1 if this replica holds the Lease, 0 if it does not");
pub(super) const CONNECTIONS: MetricDescription = gauge("connections", "Open connections");
pub(super) const REQUESTS_IN_FLIGHT: MetricDescription =
    gauge("requests_in_flight", "Requests without a response yet");
pub(super) const PASSWORD_CHECKS_QUEUED: MetricDescription =
    gauge("password_checks_queued", "Password checks that wait for a thread");
pub(super) const CLOCK_SKEW: MetricDescription = MetricDescription {
    unit: SECONDS,
    ..gauge(
        "clock_skew",
        "Time by which this replica's clock is ahead of the store's, negative if behind",
    )
};
pub(super) const BUILD: MetricDescription = MetricDescription {
    name: "build",
    unit: None,
    metric_type: MetricType::Info,
    labels: &[VERSION],
    help: "The running version",
};

/// All metrics.
pub const METRICS: &[MetricDescription] = &[
    REQUESTS,
    REQUEST_DURATION,
    REQUESTS_IN_FLIGHT,
    CONNECTIONS,
    LOGINS,
    PASSWORD_CHECKS_QUEUED,
    TOKENS_ISSUED,
    REPLAYS,
    BACKCHANNEL_LOGOUTS,
    FETCHES,
    RECONCILES,
    SEALING_KEYS_MISSING,
    STORE_ERRORS,
    CLOCK_SKEW,
    SNAPSHOT_OBJECTS,
    SNAPSHOT_REVISION,
    SNAPSHOT_AGE,
    SOURCE_HEALTHY,
    LEADER,
    BUILD,
];
