//! A store that delays one write, so that a test can do something else in the meantime.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use lanyard::store::{RecordKind, SharedStore, Store, StoreError, StoreLayer, StoreOperation};
use tokio::sync::Notify;

use super::browser::Page;

/// Delays the next insertion or replacement of a record of this kind, once it is armed.
#[derive(Debug)]
pub struct WriteHold {
    kind: RecordKind,
    /// Whether replacements are delayed, and not insertions.
    of_replacements: bool,
    is_armed: AtomicBool,
    arrived: Notify,
    released: Notify,
}

impl WriteHold {
    /// A hold of insertions, and the store that obeys it.
    pub fn over(kind: RecordKind) -> (Arc<Self>, impl FnOnce(SharedStore) -> SharedStore) {
        Self::delaying(kind, false)
    }

    /// A hold of replacements, and the store that obeys it.
    pub fn over_replacements(
        kind: RecordKind,
    ) -> (Arc<Self>, impl FnOnce(SharedStore) -> SharedStore) {
        Self::delaying(kind, true)
    }

    fn delaying(
        kind: RecordKind,
        of_replacements: bool,
    ) -> (Arc<Self>, impl FnOnce(SharedStore) -> SharedStore) {
        let is_armed = AtomicBool::new(false);
        let (arrived, released) = (Notify::new(), Notify::new());
        let hold = Arc::new(Self { kind, of_replacements, is_armed, arrived, released });
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
        let (record, is_replacement) = match operation {
            StoreOperation::Insert(record) => (record, false),
            StoreOperation::CompareAndSwap(record) => (record, true),
            _ => return Ok(()),
        };
        let is_held =
            record.key.kind == self.hold.kind && is_replacement == self.hold.of_replacements;
        if is_held && self.hold.is_armed.swap(false, Ordering::SeqCst) {
            self.hold.arrived.notify_one();
            self.hold.released.notified().await;
        }
        Ok(())
    }
}
