//! A store whose order of operations is set by a test.

use std::{
    ops::RangeInclusive,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use lanyard::{
    model::{FixedClock, TenantId, Timestamp},
    store::{
        IndexEntry, Record, RecordKey, RecordKind, SharedStore, Store, StoreError, StoreState,
        VersionedRecord,
    },
};

/// A store that yields to other requests before each operation, as often as its plan requires.
#[derive(Debug)]
pub struct Interleaving {
    pub inner: SharedStore,
    pub plan: Arc<Plan>,
}

/// The yields of an [`Interleaving`] store, its simulated faults, and counters of its operations.
#[derive(Debug, Default)]
pub struct Plan {
    /// Whether operations yield now.
    pub active: AtomicBool,
    /// The number of yields of each operation, in reverse order.
    pub pauses: Mutex<Vec<u8>>,
    /// The number of operations that may write.
    pub writes: AtomicUsize,
    /// The number of `get` operations.
    pub reads: AtomicUsize,
    /// The number of list operations.
    pub lists: AtomicUsize,
    /// The number of lists of due records.
    pub due_lists: AtomicUsize,
    /// The kind of records that cannot be inserted because the store is unavailable.
    pub refused: Mutex<Option<RecordKind>>,
    /// Whether `get` fails because the store is unavailable.
    pub away: AtomicBool,
    /// The time of the store's clock, if it has one.
    pub time: Mutex<Option<Timestamp>>,
    /// A clock of the replica and the time that it advances before the answer of `state` arrives.
    pub journey: Mutex<Option<(Arc<FixedClock>, Duration)>>,
}

impl Plan {
    async fn write(&self) {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.pause().await;
    }

    async fn pause(&self) {
        if self.active.load(Ordering::SeqCst) {
            let times = self.pauses.lock().expect("no panic").pop().unwrap_or(0);
            for _ in 0..times {
                tokio::task::yield_now().await;
            }
        }
    }
}

#[async_trait]
impl Store for Interleaving {
    async fn insert(&self, record: Record, now: Timestamp) -> Result<bool, StoreError> {
        self.plan.write().await;
        if *self.plan.refused.lock().expect("no panic") == Some(record.key.kind) {
            return Err(StoreError::Unavailable("the store is away".to_owned()));
        }
        self.inner.insert(record, now).await
    }

    async fn get(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError> {
        self.plan.reads.fetch_add(1, Ordering::SeqCst);
        self.plan.pause().await;
        if self.plan.away.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("the store is away".to_owned()));
        }
        self.inner.get(key, now).await
    }

    async fn take(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError> {
        self.plan.write().await;
        self.inner.take(key, now).await
    }

    async fn compare_and_swap(
        &self,
        version: u64,
        record: Record,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.plan.write().await;
        self.inner.compare_and_swap(version, record, now).await
    }

    async fn list(
        &self,
        kind: RecordKind,
        tenant: &TenantId,
        owner: &IndexEntry,
        now: Timestamp,
    ) -> Result<Vec<VersionedRecord>, StoreError> {
        self.plan.lists.fetch_add(1, Ordering::SeqCst);
        self.plan.pause().await;
        self.inner.list(kind, tenant, owner, now).await
    }

    async fn list_due(
        &self,
        kind: RecordKind,
        due: RangeInclusive<Timestamp>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<VersionedRecord>, StoreError> {
        self.plan.due_lists.fetch_add(1, Ordering::SeqCst);
        self.inner.list_due(kind, due, limit, now).await
    }

    async fn purge(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        self.inner.purge(limit, now).await
    }

    async fn state(&self) -> Result<StoreState, StoreError> {
        let state = self.inner.state().await?;
        if let Some((clock, by)) = &*self.plan.journey.lock().expect("no panic") {
            clock.advance(*by);
        }
        Ok(StoreState { time: *self.plan.time.lock().expect("no panic"), ..state })
    }
}
