//! Logs and metrics.
//!
//! Must not: record a secret, code, token, cookie or password, or create a label with unbounded
//! values.

mod batched_writer;
mod families;
mod gauges;
mod labels;
mod logging;
mod metrics;

pub use batched_writer::LogGuard;
pub use gauges::InFlightGuard;
pub use labels::{
    Endpoint, LoginOutcome, LogoutOutcome, ReconcileOutcome, RequestOutcome, TokenKind,
};
pub use logging::{LogError, LogFormat, init_logging};
pub use metrics::Metrics;

use crate::model::Entropy;

/// A random request id of 22 characters, logged and displayed on error pages for users to report.
pub fn request_id(entropy: &dyn Entropy) -> String {
    entropy.id()
}
