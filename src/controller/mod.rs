//! Actuation, on the Lease holder only: Secrets, status and Events.
//!
//! Level-triggered: what an object should look like is compared with what a view shows, and
//! what differs is written. Each object goes through read → plan → apply → status; plans are pure.
//! Must not: judge objects (`registry` does, for every replica alike) or serve requests.

mod context;
mod diff;
mod error;
pub mod lease;
mod logout_events;
mod observed;
mod oidc_client;
mod published_status;
mod reconcile;
mod run;
mod sealing;
mod secret_writes;
mod status;
mod tenant;
mod workqueue;

pub use context::{ControllerContext, NoMetrics, ReconcileMetrics, ReconcileOutcome};
pub use error::{ReconcileError, RetryPolicy};
pub use run::{always_leader, run, run_elected};

#[cfg(test)]
mod tests;
