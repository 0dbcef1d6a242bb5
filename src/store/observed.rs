//! A store wrapper that reports each failed operation to a callback, for the metrics and the log of
//! all backends.

use std::{fmt, ops::RangeInclusive};

use async_trait::async_trait;

use crate::model::{TenantId, Timestamp};

use super::{
    IndexEntry, Record, RecordKey, RecordKind, SharedStore, Store, StoreError, StoreState,
    VersionedRecord,
};

/// The callback; its first argument is the operation's name.
type OnError = Box<dyn Fn(&'static str, &StoreError) + Send + Sync>;

/// A store that reports its errors to a callback.
pub struct InstrumentedStore {
    inner: SharedStore,
    on_error: OnError,
}

impl InstrumentedStore {
    /// Wraps a store. `on_error` is called with the operation's name (`insert`, `get`, …) before
    /// the error is returned to the caller.
    pub fn new(
        inner: SharedStore,
        on_error: impl Fn(&'static str, &StoreError) + Send + Sync + 'static,
    ) -> Self {
        Self { inner, on_error: Box::new(on_error) }
    }

    fn report_outcome<T>(
        &self,
        operation: &'static str,
        outcome: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        outcome.inspect_err(|error| (self.on_error)(operation, error))
    }
}

impl fmt::Debug for InstrumentedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl Store for InstrumentedStore {
    async fn insert(&self, record: Record, now: Timestamp) -> Result<bool, StoreError> {
        self.report_outcome("insert", self.inner.insert(record, now).await)
    }

    async fn get(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError> {
        self.report_outcome("get", self.inner.get(key, now).await)
    }

    async fn take(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError> {
        self.report_outcome("take", self.inner.take(key, now).await)
    }

    async fn compare_and_swap(
        &self,
        version: u64,
        record: Record,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.report_outcome("swap", self.inner.compare_and_swap(version, record, now).await)
    }

    async fn list(
        &self,
        kind: RecordKind,
        tenant: &TenantId,
        owner: &IndexEntry,
        now: Timestamp,
    ) -> Result<Vec<VersionedRecord>, StoreError> {
        self.report_outcome("list", self.inner.list(kind, tenant, owner, now).await)
    }

    async fn list_due(
        &self,
        kind: RecordKind,
        due: RangeInclusive<Timestamp>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<VersionedRecord>, StoreError> {
        self.report_outcome("list_due", self.inner.list_due(kind, due, limit, now).await)
    }

    async fn purge(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        self.report_outcome("purge", self.inner.purge(limit, now).await)
    }

    async fn state(&self) -> Result<StoreState, StoreError> {
        self.report_outcome("state", self.inner.state().await)
    }

    async fn incarnation(&self) -> Result<String, StoreError> {
        self.report_outcome("state", self.inner.incarnation().await)
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        self.report_outcome("prepare", self.inner.migrate().await)
    }

    async fn upgrade(&self) -> Result<(), StoreError> {
        self.report_outcome("prepare", self.inner.upgrade().await)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::{
        model::SeededEntropy,
        store::{
            MemoryStore,
            contract::{self, NOW, record},
        },
    };

    fn memory(capacity: usize) -> SharedStore {
        Arc::new(MemoryStore::new(&SeededEntropy::new(1), capacity))
    }

    contract::suite!(async { Arc::new(InstrumentedStore::new(memory(10_000), |_, _| ())) });

    #[tokio::test]
    async fn reports_only_errors() {
        let reported = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&reported);
        let store = InstrumentedStore::new(memory(1), move |operation, _| {
            sink.lock().unwrap().push(operation);
        });
        assert_eq!(store.insert(record("a"), NOW).await, Ok(true));
        assert_eq!(store.insert(record("a"), NOW).await, Ok(false));
        assert!(store.insert(record("b"), NOW).await.is_err());
        assert_eq!(*reported.lock().unwrap(), ["insert"]);
    }
}
