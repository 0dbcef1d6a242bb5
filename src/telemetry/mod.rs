//! Logs and metrics.
//!
//! Must not: hold a secret, code, token, cookie or password, or give a label without bounds.

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

/// A new id of a request: 22 characters, for the log and for the page a person may report.
pub fn request_id(entropy: &dyn Entropy) -> String {
    entropy.id()
}
