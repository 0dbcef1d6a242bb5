//! Expiring records (design §6): sessions, grants, consents, spent ids. Never a Kubernetes object.
//!
//! Must not: know what a record means. Values are opaque bytes; keys are hashes or random ids.
//!
//! A backend is what passes `contract`: one suite for all of them.

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
/// Most owners of a record.
pub const MAX_INDEX_ENTRIES: usize = 8;
/// Most records that `list` gives.
pub const MAX_LISTED: usize = 1000;
/// How far replicas' clocks may be apart (design §6). Purging spares what expired within it, since
/// a replica whose clock is behind may still read that.
pub const CLOCK_TOLERANCE: Duration = Duration::from_mins(1);

/// A store that any task may use.
pub type SharedStore = Arc<dyn Store>;

/// What a record is; part of its key, so that no two kinds can be mistaken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// A person's session with a tenant, by the hash of its cookie's value.
    Session,
    /// A grant: made when a code is redeemed, or when tokens leave the authorization endpoint.
    Grant,
    /// What a user has agreed to for a client.
    Consent,
    /// A revoked token without a grant, by `jti`.
    Revoked,
    /// A client assertion that has been used, by client and `jti`.
    Assertion,
    /// The rest of a code that is too long for a URL.
    CodeDetail,
    /// A client that is to be told of a session's end.
    Logout,
    /// An interaction that has been answered, so that its form cannot be used again.
    Interaction,
}

impl RecordKind {
    /// Short and stable: part of what durable stores keep.
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

/// Kind, tenant and id: a record of one tenant cannot be named from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// What it is.
    pub kind: RecordKind,
    /// Whose it is.
    pub tenant: TenantId,
    /// At most 256 bytes; a random id or a hash.
    pub id: String,
}

impl RecordKey {
    /// A key.
    pub fn new(kind: RecordKind, tenant: &TenantId, id: impl Into<String>) -> Self {
        Self { kind, tenant: tenant.clone(), id: id.into() }
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind.as_str(), self.tenant, self.id)
    }
}

/// What records can be listed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnerKind {
    /// A user's subject.
    User,
    /// A session's public id.
    Session,
    /// A client id.
    Client,
}

impl OwnerKind {
    /// Short and stable: part of what durable stores keep.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Session => "session",
            Self::Client => "client",
        }
    }

    /// The reverse of `as_str`.
    fn parse(text: &str) -> Option<Self> {
        [Self::User, Self::Session, Self::Client].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// An owner of records, within the tenant of their key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexEntry {
    /// Of which kind.
    pub kind: OwnerKind,
    /// Its id.
    pub id: String,
}

impl IndexEntry {
    /// An owner.
    pub fn new(kind: OwnerKind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }
}

/// A record to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name.
    pub key: RecordKey,
    /// At most 64 KiB.
    pub value: Bytes,
    /// From then on it does not exist.
    pub expires_at: Timestamp,
    /// Who it can be listed by; at most eight.
    pub owners: Vec<IndexEntry>,
}

impl Record {
    /// Refuses what no backend takes. Every backend calls it before it writes.
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
            return too_large("the list of owners");
        }
        Ok(())
    }

    /// Whether it has ceased to exist: from `expires_at` on.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}

/// A record as read, with the version that `swap` compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionedRecord {
    /// The record.
    pub record: Record,
    /// Changes with each write of the record, and is never used again for the same key: not even
    /// after the record was taken or had expired and was inserted anew.
    pub version: u64,
}

/// The store did not do what was asked; nothing is known of what it did.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It does not answer, or too late. Worth another try later.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// A record is larger than stores take; nothing was written.
    #[error("too large for the store: {0}")]
    TooLarge(String),
    /// The server is not one to keep records in; its operator has to change that.
    #[error("the store cannot be used: {0}")]
    Unsuitable(String),
}

/// What a store says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreState {
    /// Random, made when the store was: codes name it, so that a lost store does not reopen
    /// spent ones.
    pub incarnation: String,
    /// The store's own clock, where it has one.
    pub time: Option<Timestamp>,
}

/// Expiring records with three atomic operations: `insert`, `take` and `swap`, each decided once
/// for all replicas. Every method checks expiry against the caller's `now`; an expired record is as
/// good as absent. Replicas' clocks differ, so what must not happen twice is guarded by a record
/// that outlives it by `CLOCK_TOLERANCE` at least.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// Writes a record if there is none of its key. `false`: there is one, and nothing was written.
    /// An expired one gives way.
    async fn insert(&self, record: Record, now: Timestamp) -> Result<bool, StoreError>;

    /// Reads a record.
    async fn get(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError>;

    /// Reads and deletes a record: of any number of callers, one gets it.
    async fn take(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError>;

    /// Replaces a record (value, expiry and owners) if its version is still `version`. `false`: it
    /// is not, or the record is gone, and nothing was written.
    async fn compare_and_swap(
        &self,
        version: u64,
        record: Record,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The records of a kind that an owner has at a tenant, in no order, at most 1,000.
    async fn list(
        &self,
        kind: RecordKind,
        tenant: &TenantId,
        owner: &IndexEntry,
        now: Timestamp,
    ) -> Result<Vec<VersionedRecord>, StoreError>;

    /// Frees the space of at most `limit` records that expired more than `CLOCK_TOLERANCE` ago;
    /// how many it freed.
    async fn purge(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError>;

    /// Asks the store whether it works.
    async fn state(&self) -> Result<StoreState, StoreError>;

    /// `StoreState::incarnation`, as cheaply as it is to be had.
    async fn incarnation(&self) -> Result<String, StoreError> {
        Ok(self.state().await?.incarnation)
    }

    /// Makes what records are kept in, where that is not done by opening it: of all replicas the
    /// holder of the Lease calls it, and again after an error.
    async fn migrate(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
