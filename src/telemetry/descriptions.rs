//! Every metric with its type, labels and help. The registry and `docs/reference/metrics.md` are made from this table.

use super::{
    access_denials::AccessDenialReason,
    audit_labels::AUDIT_OUTCOMES,
    label_descriptions::{
        AUDIT_EVENT, CERTIFICATE, CLIENT, ENDPOINT, KIND, PROVIDER, REACHABLE_PROVIDER, TENANT,
        VERSION, label_values,
    },
    labels::{
        FETCH_METHODS, FetchOutcome, NotificationOutcome, REFUSED_RECORD_KINDS, Readiness,
        ReconcileOutcome, ReplayedKind, RequestOutcome, STORE_OPERATIONS, SealingKeysOutcome,
        TokenKind, WriteErrorReason, WriteOperation,
    },
    logins::LoginOutcome,
    metric_description::{LabelDescription, MetricDescription, MetricType},
    process_descriptions::{
        PROCESS_CPU, PROCESS_MAX_FILES, PROCESS_OPEN_FILES, PROCESS_RESIDENT_MEMORY,
        PROCESS_START_TIME, PROCESS_THREADS, PROCESS_VIRTUAL_MEMORY,
    },
};

/// The prefix of the names of Lanyard's own metrics.
pub(super) const PREFIX: &str = "lanyard";

const fn counter(
    name: &'static str,
    labels: &'static [LabelDescription],
    help: &'static str,
) -> MetricDescription {
    MetricDescription {
        prefix: PREFIX,
        name,
        unit: None,
        metric_type: MetricType::Counter,
        labels,
        help,
    }
}

const fn gauge(name: &'static str, help: &'static str) -> MetricDescription {
    MetricDescription {
        prefix: PREFIX,
        name,
        unit: None,
        metric_type: MetricType::Gauge,
        labels: &[],
        help,
    }
}

const SECONDS: Option<&str> = Some("seconds");

pub(super) const REQUESTS: MetricDescription = counter(
    "requests",
    &[TENANT, ENDPOINT, label_values("outcome", RequestOutcome::VALUES)],
    "Requests that were answered, by tenant, endpoint and outcome",
);
pub(super) const REQUEST_DURATION: MetricDescription = MetricDescription {
    prefix: PREFIX,
    name: "request_duration",
    unit: SECONDS,
    metric_type: MetricType::Histogram,
    labels: &[ENDPOINT],
    help: "Time from a request's head to its response, by endpoint",
};
pub(super) const LOGINS: MetricDescription = counter(
    "logins",
    &[TENANT, PROVIDER, label_values("outcome", LoginOutcome::VALUES)],
    "Sign-in attempts, by tenant, identity provider and outcome",
);
pub(super) const BACKCHANNEL_LOGOUTS: MetricDescription = counter(
    "backchannel_logouts",
    &[TENANT, label_values("outcome", NotificationOutcome::VALUES)],
    "Back-channel logout requests sent, by tenant and outcome",
);
pub(super) const CIBA_NOTIFICATIONS: MetricDescription = counter(
    "ciba_notifications",
    &[TENANT, label_values("outcome", NotificationOutcome::VALUES)],
    "Notifications that a person has answered a CIBA request, by tenant and outcome",
);
pub(super) const TOKENS_ISSUED: MetricDescription = counter(
    "tokens_issued",
    &[TENANT, label_values("kind", TokenKind::VALUES)],
    "Issued tokens and codes, by tenant and kind",
);
pub(super) const REPLAYS: MetricDescription = counter(
    "replays",
    &[TENANT, label_values("kind", ReplayedKind::VALUES)],
    "Grants that were revoked because a code or refresh token was used again, by tenant and kind",
);
pub(super) const AUDIT_EVENTS: MetricDescription = counter(
    "audit_events",
    &[TENANT, AUDIT_EVENT, label_values("outcome", AUDIT_OUTCOMES)],
    "Security events, by tenant, event and outcome; each has a line in the log",
);
pub(super) const ACCESS_DENIALS: MetricDescription = counter(
    "access_denials",
    &[TENANT, CLIENT, label_values("reason", AccessDenialReason::VALUES)],
    "Uses of a client that access rules refused, by tenant, client and reason",
);
pub(super) const REFUSED_RECORDS: MetricDescription = counter(
    "refused_records",
    &[TENANT, label_values("kind", REFUSED_RECORD_KINDS)],
    "Records that were not stored, because a client, a person or a tenant has too many, by tenant and kind",
);
pub(super) const RECONCILES: MetricDescription = counter(
    "reconciles",
    &[KIND, label_values("outcome", ReconcileOutcome::VALUES)],
    "Reconciled objects, by kind and outcome",
);
pub(super) const SEALING_KEYS_MISSING: MetricDescription = counter(
    "sealing_keys_missing",
    &[label_values("outcome", SealingKeysOutcome::VALUES)],
    "Occasions on which sealing or vault keys were missing from their Secret, by outcome",
);
pub(super) const STORE_ERRORS: MetricDescription = counter(
    "store_errors",
    &[label_values("operation", STORE_OPERATIONS)],
    "Store operations that failed, by operation",
);
pub(super) const FETCHES: MetricDescription = counter(
    "fetches",
    &[label_values("method", FETCH_METHODS), label_values("outcome", FetchOutcome::VALUES)],
    "Calls to servers of applications and identity providers, by method and outcome",
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
pub(super) const OBJECTS: MetricDescription = MetricDescription {
    labels: &[KIND, label_values("ready", Readiness::VALUES)],
    ..gauge("objects", "Objects by kind and by their condition Ready, as the API server has it")
};
pub(super) const SIGNING_KEY_AGE: MetricDescription = MetricDescription {
    unit: SECONDS,
    labels: &[TENANT],
    ..gauge(
        "signing_key_age",
        "Time for which the oldest key that signs has been signing, by tenant",
    )
};
pub(super) const SIGNING_KEY_OVERDUE: MetricDescription = MetricDescription {
    unit: SECONDS,
    labels: &[TENANT],
    ..gauge(
        "signing_key_rotation_overdue",
        "Time since when a key should have been rotated, by tenant; 0 if none is due",
    )
};
pub(super) const PROVIDER_REACHABLE: MetricDescription = MetricDescription {
    labels: &[TENANT, REACHABLE_PROVIDER],
    ..gauge(
        "identity_provider_reachable",
        "1 if the server of an identity provider answers, 0 if not, by the condition Reachable",
    )
};
pub(super) const CERTIFICATE_AGE: MetricDescription = MetricDescription {
    unit: SECONDS,
    labels: &[CERTIFICATE],
    ..gauge("certificate_age", "Time since the TLS certificate became valid, by file")
};
pub(super) const CERTIFICATE_EXPIRES_IN: MetricDescription = MetricDescription {
    unit: SECONDS,
    labels: &[CERTIFICATE],
    ..gauge(
        "certificate_expires_in",
        "Time until the TLS certificate expires, by file; negative afterwards",
    )
};
pub(super) const STORE_DURATION: MetricDescription = MetricDescription {
    prefix: PREFIX,
    name: "store_operation_duration",
    unit: SECONDS,
    metric_type: MetricType::Histogram,
    labels: &[label_values("operation", STORE_OPERATIONS)],
    help: "Time of store operations, by operation",
};
pub(super) const WRITE_ERRORS: MetricDescription = counter(
    "api_server_write_errors",
    &[
        label_values("operation", WriteOperation::VALUES),
        label_values("reason", WriteErrorReason::VALUES),
    ],
    "Writes to the API server that failed, by operation and reason",
);
pub(super) const SOURCE_HEALTHY: MetricDescription = gauge(
    "source_healthy",
    "1 if the API server (in `dev`, the folder) can be read, 0 if the last snapshot is served without it",
);
pub(super) const LEADER: MetricDescription =
    gauge("leader", "1 if this replica holds the Lease, 0 if it does not");
pub(super) const FORBIDDEN_NAMESPACES: MetricDescription = gauge(
    "forbidden_namespaces",
    "Namespaces of watchNamespaces or watchNamespacesSelector without a RoleBinding",
);
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
    prefix: PREFIX,
    name: "build",
    unit: None,
    metric_type: MetricType::Info,
    labels: &[VERSION],
    help: "The running version",
};

/// All metrics, in the order of the reference.
pub const METRICS: &[MetricDescription] = &[
    REQUESTS,
    REQUEST_DURATION,
    REQUESTS_IN_FLIGHT,
    CONNECTIONS,
    LOGINS,
    PASSWORD_CHECKS_QUEUED,
    TOKENS_ISSUED,
    REPLAYS,
    AUDIT_EVENTS,
    ACCESS_DENIALS,
    REFUSED_RECORDS,
    BACKCHANNEL_LOGOUTS,
    CIBA_NOTIFICATIONS,
    FETCHES,
    RECONCILES,
    SEALING_KEYS_MISSING,
    WRITE_ERRORS,
    STORE_ERRORS,
    STORE_DURATION,
    CLOCK_SKEW,
    OBJECTS,
    SIGNING_KEY_AGE,
    SIGNING_KEY_OVERDUE,
    CERTIFICATE_AGE,
    CERTIFICATE_EXPIRES_IN,
    PROVIDER_REACHABLE,
    SNAPSHOT_OBJECTS,
    SNAPSHOT_REVISION,
    SNAPSHOT_AGE,
    SOURCE_HEALTHY,
    LEADER,
    FORBIDDEN_NAMESPACES,
    BUILD,
    PROCESS_CPU,
    PROCESS_RESIDENT_MEMORY,
    PROCESS_VIRTUAL_MEMORY,
    PROCESS_OPEN_FILES,
    PROCESS_MAX_FILES,
    PROCESS_THREADS,
    PROCESS_START_TIME,
];
