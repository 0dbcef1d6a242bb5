//! A store of expiring records: sessions, grants, consents, spent ids. Not in Kubernetes.
//!
//! Must not: interpret records. Values are opaque bytes; keys are hashes or random ids.
//!
//! Every backend passes the tests in `contract`.

mod ca;
mod clock_skew;
#[cfg(test)]
pub(crate) mod contract;
mod embedded;
mod encoding;
mod memory;
mod observed;
mod postgres;
mod purge;
mod retry;
#[cfg(test)]
mod test_servers;
mod valkey;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

pub use ca::UnusableCa;
pub use clock_skew::{SKEW_WARNING, StoreClock, skew};
pub use embedded::{EmbeddedStore, OpenError};
pub use memory::MemoryStore;
pub use observed::InstrumentedStore;
pub use postgres::{PostgresOptions, PostgresStore, UnusablePostgres};
pub use purge::purge_regularly;
pub use valkey::{UnusableValkey, ValkeyOptions, ValkeyStore};

use crate::model::{TenantId, Timestamp};

/// Longest id of a key, in bytes.
pub const MAX_ID_LEN: usize = 256;
/// Largest value of a record, in bytes.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;
/// Most index entries of a record.
pub const MAX_INDEX_ENTRIES: usize = 8;
/// Most records that `list` returns.
pub const MAX_LISTED: usize = 1000;
/// How far replicas' clocks may differ. Purging keeps records that expired within this time, since
/// a replica whose clock is behind may still read them.
pub const CLOCK_TOLERANCE: Duration = Duration::from_mins(1);

/// A store shared between tasks.
pub type SharedStore = Arc<dyn Store>;

/// The kind of a record, part of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// A user's session with a tenant, by the hash of its cookie's value.
    Session,
    /// A grant, created when a code is redeemed or when the authorization endpoint issues tokens.
    Grant,
    /// The permissions that a user has granted to a client.
    Consent,
    /// A revoked token that has no grant, by `jti`.
    Revoked,
    /// A client assertion that has been used, by client and `jti`.
    Assertion,
    /// The rest of a code that is too long for a URL.
    CodeDetail,
    /// A pending back-channel logout notification of a client.
    Logout,
    /// An interaction that has been answered, so its form cannot be submitted again.
    Interaction,
}

impl RecordKind {
    /// A short, stable name, part of the keys in durable stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Grant => "grant",
            Self::Consent => "consent",
            Self::Revoked => "revoked",
            Self::Assertion => "assertion",
            Self::CodeDetail => "code",
            Self::Logout => "logout",
            Self::Interaction => "interaction",
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The key of a record. A record of one tenant cannot be addressed from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// The kind of the record.
    pub kind: RecordKind,
    /// The tenant that the record belongs to.
    pub tenant: TenantId,
    /// A random id or a hash, at most 256 bytes.
    pub id: String,
}

impl RecordKey {
    /// Builds a key from its parts.
    pub fn new(kind: RecordKind, tenant: &TenantId, id: impl Into<String>) -> Self {
        Self { kind, tenant: tenant.clone(), id: id.into() }
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind.as_str(), self.tenant, self.id)
    }
}

/// The kinds of index entries by which records can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnerKind {
    /// The `sub` of a user.
    User,
    /// The public id of a session.
    Session,
    /// A client id.
    Client,
}

impl OwnerKind {
    /// A short, stable name, part of the indexes in durable stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Session => "session",
            Self::Client => "client",
        }
    }

    /// Parses the result of `as_str`.
    fn parse(text: &str) -> Option<Self> {
        [Self::User, Self::Session, Self::Client].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// An index entry by which a record can be listed, within the tenant of its key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexEntry {
    /// The kind of the entry.
    pub kind: OwnerKind,
    /// The subject, session id or client id.
    pub id: String,
}

impl IndexEntry {
    /// Builds an entry from its parts.
    pub fn new(kind: OwnerKind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }
}

/// A record to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The key of the record.
    pub key: RecordKey,
    /// Opaque bytes, at most 64 KiB.
    pub value: Bytes,
    /// The moment from which the record is treated as absent.
    pub expires_at: Timestamp,
    /// The index entries by which the record can be listed, at most eight.
    pub owners: Vec<IndexEntry>,
}

impl Record {
    /// Checks the size limits of all backends. Every backend calls it before it writes.
    pub fn check_size(&self) -> Result<(), StoreError> {
        let too_large = |what: &str| {
            Err(StoreError::TooLarge(format!(
                "{what} of a {} of {}",
                self.key.kind.as_str(),
                self.key.tenant
            )))
        };
        if self.key.id.len() > MAX_ID_LEN {
            return too_large("the id");
        }
        if self.value.len() > MAX_VALUE_BYTES {
            return too_large("the value");
        }
        if self.owners.len() > MAX_INDEX_ENTRIES
            || self.owners.iter().any(|owner| owner.id.len() > MAX_ID_LEN)
        {
            return too_large("the list of index entries");
        }
        Ok(())
    }

    /// Returns true from `expires_at` on.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}

/// A record as read, with the version that `compare_and_swap` compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionedRecord {
    /// The record.
    pub record: Record,
    /// Changes with each write of the record, and is never reused for the same key, even after the
    /// record was taken or had expired and was inserted again.
    pub version: u64,
}

/// An operation of the store failed. Unless the variant states otherwise, it may or may not have
/// taken effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store did not answer in time. A later attempt may succeed.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The record exceeds the limits of the store. It was not written.
    #[error("too large for the store: {0}")]
    TooLarge(String),
    /// The server's configuration is not suitable for a store. The operator has to change it.
    #[error("the store cannot be used: {0}")]
    Unsuitable(String),
}

/// The state of a store.
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
/// that must not happen twice is guarded by a record that outlives it by `CLOCK_TOLERANCE`.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// Writes a record unless a live one with its key exists; returns `false` if one exists. An
    /// expired record is replaced.
    async fn insert(&self, record: Record, now: Timestamp) -> Result<bool, StoreError>;

    /// Reads a record.
    async fn get(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError>;

    /// Reads and deletes a record. If callers race, exactly one gets it.
    async fn take(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError>;

    /// Replaces a record (value, expiry and index entries) if its version is still `version`.
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

    /// Deletes at most `limit` records that expired more than `CLOCK_TOLERANCE` ago, and returns
    /// how many it deleted.
    async fn purge(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError>;

    /// Checks that the store works.
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
}
