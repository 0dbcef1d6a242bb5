//! Who writes: leader election on a `coordination.k8s.io/v1` Lease, with client-go's semantics.
//!
//! Must not: write anything but the Lease. `elector` decides, `campaign` acts, `cluster` talks to
//! the API server.

mod campaign;
mod cluster;
mod elector;

use std::time::Duration;

use async_trait::async_trait;

pub use campaign::{LeaderElectionConfig, run_leader_election};
pub use cluster::ClusterLease;
pub use elector::{ElectionStep, LeaderElector, MonotonicTime};

/// How fast leadership moves. Longest must be the first, shortest the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTiming {
    /// How long the others wait for a leader that says nothing.
    pub lease: Duration,
    /// How long a leader acts that cannot renew.
    pub renew_deadline: Duration,
    /// How often a replica tries.
    pub retry: Duration,
    /// How long one request may take. What a leader began to write just before `renew_deadline`
    /// must be over before `lease` is.
    pub request: Duration,
}

impl Default for LeaseTiming {
    /// client-go's, and 3 s a request.
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry: Duration::from_secs(2),
            request: Duration::from_secs(3),
        }
    }
}

/// What a Lease says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaseRecord {
    /// Who leads; nobody after a release.
    pub holder: Option<String>,
    /// How long the others wait without a renewal.
    pub duration: Duration,
    /// Since when the holder leads.
    pub acquired: Option<jiff::Timestamp>,
    /// When the holder last said so. Read by people; expiry never goes by it, since clocks differ.
    pub renewed: Option<jiff::Timestamp>,
    /// How often leadership changed hands.
    pub transitions: i32,
}

/// A Lease as read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenLease {
    /// Its content.
    pub record: LeaseRecord,
    /// Its resourceVersion: writes are made under it.
    pub version: String,
}

/// A request about the Lease that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// Somebody else was faster.
    #[error("the Lease changed meanwhile")]
    Conflict,
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// The Lease, wherever it is kept.
#[async_trait]
pub trait LeaseApi: Send + Sync {
    /// Reads it; `None` if there is none.
    async fn get(&self) -> Result<Option<SeenLease>, LeaseError>;

    /// Creates it; `Conflict` if there is one.
    async fn create(&self, record: LeaseRecord) -> Result<SeenLease, LeaseError>;

    /// Replaces it; `Conflict` if it is no longer at `version`.
    async fn replace(&self, record: LeaseRecord, version: &str) -> Result<SeenLease, LeaseError>;
}

#[cfg(test)]
mod tests;
