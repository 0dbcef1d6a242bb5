//! Stores on top of another store, which see each operation before and after it.

use std::{fmt, ops::RangeInclusive, time::Duration};

use async_trait::async_trait;
use tokio::time::Instant;

use super::{
    DueRecords, IndexEntry, Record, RecordKey, RecordKind, Store, StoreError, StoreState,
    VersionedRecord,
};
use crate::model::{TenantId, Timestamp};

/// An operation of a store.
#[derive(Clone, Copy, Debug)]
pub enum StoreOperation<'a> {
    /// `insert` of this record.
    Insert(&'a Record),
    /// `get` of this record.
    Get(&'a RecordKey),
    /// `take` of this record.
    Take(&'a RecordKey),
    /// `compare_and_swap` to this record.
    CompareAndSwap(&'a Record),
    /// `list`, of any kind and index entry.
    List,
    /// `list_due`, of any kind.
    ListDue,
    /// `purge` of expired records.
    Purge,
    /// `state` or `incarnation`, which read no record.
    State,
    /// `migrate` or `upgrade`, which change the schema.
    Prepare,
}

impl StoreOperation<'_> {
    /// The name of the operation in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Insert(_) => "insert",
            Self::Get(_) => "get",
            Self::Take(_) => "take",
            Self::CompareAndSwap(_) => "swap",
            Self::List => "list",
            Self::ListDue => "list_due",
            Self::Purge => "purge",
            Self::State => "state",
            Self::Prepare => "prepare",
        }
    }
}

/// A layer on a store. It is a store itself, which passes every operation to the inner one.
#[async_trait]
pub trait StoreLayer: Send + Sync + fmt::Debug {
    /// Whether `before` and `done` run for `get` too. A layer that does nothing at a read passes it on at once.
    const OBSERVES_GET: bool = true;

    /// The store that the operations are passed on to.
    fn inner(&self) -> &dyn Store;

    /// Runs before an operation. The operation fails with an error of this method.
    async fn before(&self, _: StoreOperation<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    /// Runs `insert` of the store below.
    async fn insert_below(&self, record: Record, now: Timestamp) -> Result<bool, StoreError> {
        self.inner().insert(record, now).await
    }

    /// Runs `compare_and_swap` of the store below.
    async fn swap_below(
        &self,
        version: u64,
        record: Record,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.inner().compare_and_swap(version, record, now).await
    }

    /// Runs after an operation, with its name, its time, and its error if it failed.
    fn done(&self, _: &'static str, _: Duration, _: Option<&StoreError>) {}

    /// The state that the layer reports instead of that of the store below.
    fn reported_state(&self, state: StoreState) -> StoreState {
        state
    }
}

/// Runs an operation of the inner store between the two methods of a layer. A macro, because the
/// record that `before` sees is moved into the operation.
macro_rules! run_operation {
    ($layer:ident, $operation:expr, $run:expr) => {{
        let operation: StoreOperation<'_> = $operation;
        let (name, started) = (operation.name(), Instant::now());
        let outcome = match $layer.before(operation).await {
            Ok(()) => $run.await,
            Err(error) => Err(error),
        };
        $layer.done(name, started.elapsed(), outcome.as_ref().err());
        outcome
    }};
}

#[async_trait]
impl<L: StoreLayer> Store for L {
    async fn insert(&self, record: Record, now: Timestamp) -> Result<bool, StoreError> {
        run_operation!(self, StoreOperation::Insert(&record), self.insert_below(record, now))
    }

    async fn get(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError> {
        if !L::OBSERVES_GET {
            return self.inner().get(key, now).await;
        }
        run_operation!(self, StoreOperation::Get(key), self.inner().get(key, now))
    }

    async fn take(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError> {
        run_operation!(self, StoreOperation::Take(key), self.inner().take(key, now))
    }

    async fn compare_and_swap(
        &self,
        version: u64,
        record: Record,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        run_operation!(
            self,
            StoreOperation::CompareAndSwap(&record),
            self.swap_below(version, record, now)
        )
    }

    async fn list(
        &self,
        kind: RecordKind,
        tenant: &TenantId,
        owner: &IndexEntry,
        now: Timestamp,
    ) -> Result<Vec<VersionedRecord>, StoreError> {
        run_operation!(self, StoreOperation::List, self.inner().list(kind, tenant, owner, now))
    }

    async fn list_due(
        &self,
        kind: RecordKind,
        due: RangeInclusive<Timestamp>,
        limit: usize,
        now: Timestamp,
    ) -> Result<DueRecords, StoreError> {
        run_operation!(self, StoreOperation::ListDue, self.inner().list_due(kind, due, limit, now))
    }

    async fn purge(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        run_operation!(self, StoreOperation::Purge, self.inner().purge(limit, now))
    }

    async fn state(&self) -> Result<StoreState, StoreError> {
        let state = run_operation!(self, StoreOperation::State, self.inner().state())?;
        Ok(self.reported_state(state))
    }

    async fn incarnation(&self) -> Result<String, StoreError> {
        run_operation!(self, StoreOperation::State, self.inner().incarnation())
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        run_operation!(self, StoreOperation::Prepare, self.inner().migrate())
    }

    async fn upgrade(&self) -> Result<(), StoreError> {
        run_operation!(self, StoreOperation::Prepare, self.inner().upgrade())
    }
}
