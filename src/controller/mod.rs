//! The controller writes Secrets, statuses and Events. It runs only on the holder of the Lease.
//!
//! Level-triggered: compares the desired state of an object with the view, and writes the
//! difference. Each reconcile reads, plans, applies and publishes the status; plans are pure. Must
//! not validate objects (`registry` does, on every replica) or serve requests.

mod action;
mod context;
mod diff;
mod error;
mod fair_queue;
mod federation_health;
mod host_settings_events;
mod key_audit;
pub mod lease;
mod logout_events;
mod mail_health;
mod observed;
mod oidc_client;
mod oidc_user;
mod probe_conclusions;
mod published_status;
mod reachability;
mod reconcile;
mod replay_events;
mod run;
mod sealing;
mod secret_writes;
mod status;
mod tenant;
mod unwatched;
mod workqueue;

pub use context::{
    ControllerContext, MissingSealingKeys, NoMetrics, ReconcileMetrics, ReconcileOutcome,
};
pub use error::{ReconcileError, RetryPolicy};
pub use run::{always_leader, run_controller, run_elected};

#[cfg(test)]
mod tests;
