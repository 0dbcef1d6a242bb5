//! A store of expiring records: sessions, grants, consents, spent ids. Not in Kubernetes.
//!
//! Must not: interpret records. Values are opaque bytes; keys are hashes or random ids.
//!
//! Every backend passes the tests in `contract`.

mod ca;
mod clock_skew;
#[cfg(test)]
pub(crate) mod contract;
mod due_records;
mod embedded;
mod encoding;
mod fair_store;
mod layer;
mod memory;
mod observed;
mod postgres;
mod purge;
mod record;
mod retry;
mod tenant_shares;
#[cfg(test)]
mod test_servers;
mod update;
mod valkey;

use std::{fmt, ops::RangeInclusive, sync::Arc};

use async_trait::async_trait;

pub use ca::UnusableCa;
pub use clock_skew::{SKEW_WARNING, StoreClock, clock_skew};
pub use due_records::DueRecords;
pub use embedded::{EmbeddedStore, StoreFileError};
pub use fair_store::{FairStore, MeasuredStore, refresh_shares_regularly};
pub use layer::{StoreLayer, StoreOperation};
pub use memory::MemoryStore;
pub use observed::InstrumentedStore;
pub use postgres::{PostgresOptions, PostgresStore, UnusablePostgres};
pub use purge::purge_regularly;
pub use record::{
    IndexEntry, IndexKind, MAX_ID_LEN, MAX_INDEX_ENTRIES, MAX_VALUE_BYTES, Record, RecordKey,
    RecordKind, VersionedRecord,
};
pub use tenant_shares::{SpaceUsage, StoreSpace};
pub use update::{MAX_UPDATE_ATTEMPTS, RecordChange, update_record};
pub use valkey::{UnusableValkey, ValkeyOptions, ValkeyStore};

pub use crate::model::CLOCK_SKEW;
use crate::model::{ErrorCause, TenantId, Timestamp};

/// Most records that `list` returns.
pub const MAX_LISTED: usize = 1000;

/// A store that the tasks of the process share.
pub type SharedStore = Arc<dyn Store>;

/// An operation of the store failed. Unless the variant states otherwise, it may or may not have
/// taken effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store did not answer in time. A later attempt may succeed.
    #[error("the store is unavailable: {0}")]
    Unavailable(#[source] ErrorCause),
    /// The record exceeds the limits of the store. It was not written.
    #[error("too large for the store: {0}")]
    TooLarge(String),
    /// The tenant uses more than its share of the store's space. The record was not written.
    #[error("{why}")]
    NoSpace {
        /// The tenant of the record.
        tenant: TenantId,
        /// The space that the tenant uses, and the remedy.
        why: String,
    },
    /// The server's configuration is not suitable for a store. The operator has to change it.
    #[error("the store cannot be used: {0}")]
    Unsuitable(String),
}

/// The identity and clock of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreState {
    /// A random id, created with the store. Codes contain it, so a code that was redeemed in a lost
    /// store cannot be redeemed again in its successor.
    pub incarnation: String,
    /// The clock of the store's server, if it has one.
    pub time: Option<Timestamp>,
}

/// A store of expiring records with three atomic operations, `insert`, `take` and
/// `compare_and_swap`, each decided once for all replicas. Every method checks expiry against the
/// caller's `now` and treats an expired record as absent. Since replicas' clocks differ, an action
/// that must not happen twice is guarded by a record that outlives it by `CLOCK_SKEW`.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// Writes a record unless a live one with its key exists; returns `false` if one exists. An
    /// expired record is replaced.
    async fn insert(&self, record: Record, now: Timestamp) -> Result<bool, StoreError>;

    /// Reads a record with its version; `None` if there is no live one.
    async fn get(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError>;

    /// Reads and deletes a record; `None` if there is no live one. If callers race, exactly one gets it.
    async fn take(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError>;

    /// Replaces a record (value, expiry, due time and index entries) if its version is still
    /// `version`.
    /// Returns `false`, without writing, if the version differs or the record is absent.
    async fn compare_and_swap(
        &self,
        version: u64,
        record: Record,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Lists the records of a kind and tenant that have an index entry: unordered, at most 1,000.
    async fn list(
        &self,
        kind: RecordKind,
        tenant: &TenantId,
        owner: &IndexEntry,
        now: Timestamp,
    ) -> Result<Vec<VersionedRecord>, StoreError>;

    /// Lists at most `limit` records of a kind, of all tenants, whose due time is within `due`:
    /// earliest first. A damaged record is skipped and counted, with a line in the log.
    async fn list_due(
        &self,
        kind: RecordKind,
        due: RangeInclusive<Timestamp>,
        limit: usize,
        now: Timestamp,
    ) -> Result<DueRecords, StoreError>;

    /// Deletes at most `limit` records that expired more than `CLOCK_SKEW` ago, and returns
    /// how many it deleted.
    async fn purge(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError>;

    /// Checks that the store works, and returns its state. `Unavailable` if it does not answer, `Unsuitable` if it
    /// cannot be used.
    async fn state(&self) -> Result<StoreState, StoreError>;

    /// Returns `StoreState::incarnation` at the lowest possible cost.
    async fn incarnation(&self) -> Result<String, StoreError> {
        Ok(self.state().await?.incarnation)
    }

    /// Creates or updates the schema, where opening the store does not do that. The replica that
    /// holds the Lease calls it, and repeats it after an error.
    async fn migrate(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Updates a schema of an earlier release. Every replica calls it when it starts, and repeats it after an
    /// error. The holder of the Lease cannot do it alone: during a roll-out it is a replica of the earlier release
    /// until the replicas of this one are ready.
    async fn upgrade(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
