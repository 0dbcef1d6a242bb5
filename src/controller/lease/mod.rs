//! Leader election on a `coordination.k8s.io/v1` Lease, with client-go's semantics.
//!
//! Must not write anything except the Lease. `elector` decides, `campaign` acts, `cluster` calls
//! the API server.

mod campaign;
mod cluster;
mod elector;

use std::time::Duration;

use async_trait::async_trait;

pub use campaign::{LeaderElectionConfig, run_leader_election};
pub use cluster::ClusterLease;
pub use elector::{ElectionStep, LeaderElector, MonotonicTime};

/// Durations of the election: `retry` < `renew_deadline`, and `renew_deadline` + `request` < `lease`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTiming {
    /// How long other replicas wait after the leader's last renewal.
    pub lease: Duration,
    /// How long the leader acts without a successful renewal.
    pub renew_deadline: Duration,
    /// Interval between attempts to acquire or renew the Lease.
    pub retry: Duration,
    /// Timeout of one request. A write that the leader starts just before `renew_deadline` must end
    /// before `lease` has passed.
    pub request: Duration,
}

impl Default for LeaseTiming {
    /// The defaults of client-go, with a request timeout of 3 s.
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry: Duration::from_secs(2),
            request: Duration::from_secs(3),
        }
    }
}

/// The content of a Lease.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaseRecord {
    /// Identity of the leader; `None` after a release.
    pub holder: Option<String>,
    /// How long other replicas wait after the last renewal. Written in whole seconds (`leaseDurationSeconds`).
    pub duration: Duration,
    /// The time at which the holder acquired the Lease, by its own clock.
    pub acquired: Option<jiff::Timestamp>,
    /// When the holder last renewed the Lease. Informational: clocks differ, so expiry does not use
    /// it.
    pub renewed: Option<jiff::Timestamp>,
    /// Number of times that the holder has changed.
    pub transitions: i32,
}

/// A Lease as read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedLease {
    /// The fields of the Lease's `spec`.
    pub record: LeaseRecord,
    /// `metadata.resourceVersion`, a precondition of writes.
    pub version: String,
}

/// Error of a request about the Lease.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// Another replica has written the Lease.
    #[error("the Lease was modified by another replica")]
    Conflict,
    /// Any other error: no answer in time, or a refusal. The text is for the log.
    #[error("{0}")]
    Failed(String),
}

/// Reads and writes the one Lease of the installation.
#[async_trait]
pub trait LeaseApi: Send + Sync {
    /// Reads the Lease; `None` if it does not exist.
    async fn get(&self) -> Result<Option<ObservedLease>, LeaseError>;

    /// Creates the Lease; `Conflict` if it exists.
    async fn create(&self, record: LeaseRecord) -> Result<ObservedLease, LeaseError>;

    /// Replaces the Lease; `Conflict` if its resourceVersion is not `version`.
    async fn replace(
        &self,
        record: LeaseRecord,
        version: &str,
    ) -> Result<ObservedLease, LeaseError>;
}

#[cfg(test)]
mod tests;
