//! Actuation, on the Lease holder only: Secrets, status and Events.
//!
//! Level-triggered: what an object should look like is compared with what a view shows, and
//! what differs is written. Each object goes through read → plan → apply → status; plans are pure.
//! Must not: judge objects (`registry` does, for every replica alike) or serve requests.

mod changes;
mod context;
mod error;
pub mod lease;
mod logouts;
mod memory;
mod oidc_client;
mod queue;
mod reconcile;
mod run;
mod sealing;
mod status;
mod tenant;
mod world;
mod writes;

pub use context::{Context, Observer, Outcome, Unobserved};
pub use error::{Error, Retry};
pub use run::{always, run, run_elected};

#[cfg(test)]
mod tests;
