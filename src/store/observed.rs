//! A store that tells of each operation that it did not do: for metrics and the log, at one place
//! for all backends.

use std::fmt;

use async_trait::async_trait;

use crate::model::{TenantId, Timestamp};

use super::{Key, Owner, Record, RecordKind, SharedStore, Store, StoreError, StoreState, Stored};

/// Called with the operation's name.
type OnError = Box<dyn Fn(&'static str, &StoreError) + Send + Sync>;

/// A store with an observer of its errors.
pub struct Observed {
    inner: SharedStore,
    on_error: OnError,
}

impl Observed {
    /// `on_error` is called with the operation's name (`insert`, `get`, …) before the error is
    /// given to the caller.
    pub fn new(
        inner: SharedStore,
        on_error: impl Fn(&'static str, &StoreError) + Send + Sync + 'static,
    ) -> Self {
        Self { inner, on_error: Box::new(on_error) }
    }

    fn tell<T>(
        &self,
        operation: &'static str,
        outcome: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        outcome.inspect_err(|error| (self.on_error)(operation, error))
    }
}

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl Store for Observed {
    async fn insert(&self, record: Record, now: Timestamp) -> Result<bool, StoreError> {
        self.tell("insert", self.inner.insert(record, now).await)
    }

    async fn get(&self, key: &Key, now: Timestamp) -> Result<Option<Stored>, StoreError> {
        self.tell("get", self.inner.get(key, now).await)
    }

    async fn take(&self, key: &Key, now: Timestamp) -> Result<Option<Stored>, StoreError> {
        self.tell("take", self.inner.take(key, now).await)
    }

    async fn swap(&self, version: u64, record: Record, now: Timestamp) -> Result<bool, StoreError> {
        self.tell("swap", self.inner.swap(version, record, now).await)
    }

    async fn list(
        &self,
        kind: RecordKind,
        tenant: &TenantId,
        owner: &Owner,
        now: Timestamp,
    ) -> Result<Vec<Stored>, StoreError> {
        self.tell("list", self.inner.list(kind, tenant, owner, now).await)
    }

    async fn purge(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        self.tell("purge", self.inner.purge(limit, now).await)
    }

    async fn state(&self) -> Result<StoreState, StoreError> {
        self.tell("state", self.inner.state().await)
    }

    async fn incarnation(&self) -> Result<String, StoreError> {
        self.tell("state", self.inner.incarnation().await)
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        self.tell("prepare", self.inner.prepare().await)
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

    contract::suite!(async { Arc::new(Observed::new(memory(10_000), |_, _| ())) });

    #[tokio::test]
    async fn tells_of_errors_and_of_nothing_else() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&told);
        let store = Observed::new(memory(1), move |operation, _| {
            sink.lock().unwrap().push(operation);
        });
        assert_eq!(store.insert(record("a"), NOW).await, Ok(true));
        assert_eq!(store.insert(record("a"), NOW).await, Ok(false));
        assert!(store.insert(record("b"), NOW).await.is_err());
        assert_eq!(*told.lock().unwrap(), ["insert"]);
    }
}
