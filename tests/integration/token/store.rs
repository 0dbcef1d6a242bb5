//! A store whose order of operations is set by a test.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use lanyard::{
    model::{ErrorCause, FixedClock, Timestamp},
    store::{RecordKind, SharedStore, Store, StoreError, StoreLayer, StoreOperation, StoreState},
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
    /// The kind of records that cannot be swapped because the store is unavailable.
    pub refused_swaps: Mutex<Option<RecordKind>>,
    /// The kind of records whose swaps wait until this changes.
    pub held_swaps: Mutex<Option<RecordKind>>,
    /// Whether a swap has waited.
    pub holding: AtomicBool,
    /// Whether lists by an index entry fail because the store is unavailable.
    pub lists_fail: AtomicBool,
    /// Whether `get` fails because the store is unavailable.
    pub away: AtomicBool,
    /// The time of the store's clock, if it has one.
    pub time: Mutex<Option<Timestamp>>,
    /// A clock of the replica and the time that it advances before the answer of `state` arrives.
    pub journey: Mutex<Option<(Arc<FixedClock>, Duration)>>,
}

impl Plan {
    fn refuses(&self, operation: StoreOperation<'_>) -> bool {
        match operation {
            StoreOperation::Insert(record) => {
                *self.refused.lock().expect("no panic") == Some(record.key.kind)
            }
            StoreOperation::CompareAndSwap(record) => {
                *self.refused_swaps.lock().expect("no panic") == Some(record.key.kind)
            }
            StoreOperation::List => self.lists_fail.load(Ordering::SeqCst),
            StoreOperation::Get(_) => self.away.load(Ordering::SeqCst),
            _ => false,
        }
    }

    async fn hold(&self, kind: RecordKind) {
        let is_held = || *self.held_swaps.lock().expect("no panic") == Some(kind);
        while is_held() {
            self.holding.store(true, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
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
impl StoreLayer for Interleaving {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    async fn before(&self, operation: StoreOperation<'_>) -> Result<(), StoreError> {
        let count = |counter: &AtomicUsize| counter.fetch_add(1, Ordering::SeqCst);
        let plan = &self.plan;
        match operation {
            StoreOperation::Insert(_)
            | StoreOperation::Take(_)
            | StoreOperation::CompareAndSwap(_) => {
                count(&plan.writes);
                plan.pause().await;
            }
            StoreOperation::Get(_) => {
                count(&plan.reads);
                plan.pause().await;
            }
            StoreOperation::List => {
                count(&plan.lists);
                plan.pause().await;
            }
            StoreOperation::ListDue => {
                count(&plan.due_lists);
            }
            StoreOperation::Purge | StoreOperation::State | StoreOperation::Prepare => {}
        }
        if let StoreOperation::CompareAndSwap(record) = operation {
            plan.hold(record.key.kind).await;
        }
        if plan.refuses(operation) {
            return Err(StoreError::Unavailable(ErrorCause::new("the store is away")));
        }
        Ok(())
    }

    fn reported_state(&self, state: StoreState) -> StoreState {
        if let Some((clock, by)) = &*self.plan.journey.lock().expect("no panic") {
            clock.advance(*by);
        }
        StoreState { time: *self.plan.time.lock().expect("no panic"), ..state }
    }
}
