//! A store that delays one write, so that a test can do something else in the meantime.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use lanyard::store::{RecordKind, SharedStore, Store, StoreError, StoreLayer, StoreOperation};
use tokio::sync::Notify;

use super::browser::Page;

/// The writes that a hold delays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HeldWrite {
    Insertion,
    Swap,
}

/// Delays the next write of a record of this kind, once it is armed.
#[derive(Debug)]
pub struct WriteHold {
    write: HeldWrite,
    kind: RecordKind,
    is_armed: AtomicBool,
    arrived: Notify,
    released: Notify,
}

impl WriteHold {
    /// A hold of insertions, and the store that obeys it.
    pub fn over(kind: RecordKind) -> (Arc<Self>, impl FnOnce(SharedStore) -> SharedStore) {
        Self::of(HeldWrite::Insertion, kind)
    }

    /// A hold of replacements, and the store that obeys it.
    pub fn over_swaps(kind: RecordKind) -> (Arc<Self>, impl FnOnce(SharedStore) -> SharedStore) {
        Self::of(HeldWrite::Swap, kind)
    }

    fn of(
        write: HeldWrite,
        kind: RecordKind,
    ) -> (Arc<Self>, impl FnOnce(SharedStore) -> SharedStore) {
        let is_armed = AtomicBool::new(false);
        let (arrived, released) = (Notify::new(), Notify::new());
        let hold = Arc::new(Self { write, kind, is_armed, arrived, released });
        let of_store = Arc::clone(&hold);
        (hold, move |inner| Arc::new(HeldStore { inner, hold: of_store }) as SharedStore)
    }

    /// The pages of a request whose write is delayed, and of one that is sent in the meantime.
    pub async fn race(
        &self,
        held: impl Future<Output = Page>,
        meanwhile: impl Future<Output = Page>,
    ) -> (Page, Page) {
        self.is_armed.store(true, Ordering::SeqCst);
        let meanwhile = async {
            self.arrived.notified().await;
            let page = meanwhile.await;
            self.released.notify_one();
            page
        };
        tokio::join!(held, meanwhile)
    }
}

/// A store with such a hold.
#[derive(Debug)]
struct HeldStore {
    inner: SharedStore,
    hold: Arc<WriteHold>,
}

#[async_trait]
impl StoreLayer for HeldStore {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    async fn before(&self, operation: StoreOperation<'_>) -> Result<(), StoreError> {
        let (write, record) = match operation {
            StoreOperation::Insert(record) => (HeldWrite::Insertion, record),
            StoreOperation::CompareAndSwap(record) => (HeldWrite::Swap, record),
            _ => return Ok(()),
        };
        let is_held = (write, record.key.kind) == (self.hold.write, self.hold.kind);
        if is_held && self.hold.is_armed.swap(false, Ordering::SeqCst) {
            self.hold.arrived.notify_one();
            self.hold.released.notified().await;
        }
        Ok(())
    }
}
