//! Logs and metrics.
//!
//! Must not: record a secret, code, token, cookie or password, or create a label with unbounded
//! values.

mod access_denials;
mod access_facts;
mod ages;
mod audit_labels;
mod audit_log;
mod audit_schema;
mod batched_writer;
mod bounded_labels;
mod descriptions;
mod families;
mod gauges;
mod json_lines;
mod label_descriptions;
mod label_values;
mod labels;
mod log_fields;
mod logging;
mod logins;
mod metric_description;
mod metrics;
mod process;
mod process_descriptions;
mod reachability;
mod tenant_labels;

pub use access_denials::AccessDenialReason;
pub use access_facts::AccessFacts;
pub use ages::SigningKeyTimes;
pub use audit_log::AuditLog;
pub use audit_schema::audit_schema;
pub use batched_writer::LogGuard;
pub use descriptions::METRICS;
pub use gauges::InFlightGuard;
pub use label_values::LabelValues;
pub use labels::{
    FetchOutcome, NotificationOutcome, Readiness, ReconcileOutcome, ReplayedKind, RequestOutcome,
    SealingKeysOutcome, TokenKind, WriteErrorReason, WriteOperation,
};
pub use log_fields::{COMMON_LOG_FIELDS, LOG_FIELDS, LogField};
pub use logging::{LogError, LogFormat, VERBOSE_TARGETS, init_logging};
pub use logins::LoginOutcome;
pub use metric_description::{LabelDescription, MetricDescription, MetricType};
pub use metrics::Metrics;
pub use reachability::ReachableProvider;

use crate::model::Entropy;

/// A random request id of 22 characters, logged and displayed on error pages for users to report.
pub fn request_id(entropy: &dyn Entropy) -> String {
    entropy.id()
}
