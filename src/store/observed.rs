//! A layer on a store that reports each operation to a callback, for the metrics and the log of all
//! backends.

use std::{fmt, time::Duration};

use super::{SharedStore, Store, StoreError, StoreLayer};

/// The callback. Its arguments are the operation's name, its time, and its error.
type OnDone = Box<dyn Fn(&'static str, Duration, Option<&StoreError>) + Send + Sync>;

/// A store that reports its operations to a callback.
pub struct InstrumentedStore {
    inner: SharedStore,
    on_done: OnDone,
}

impl InstrumentedStore {
    /// Wraps a store. `on_done` is called with the operation's name (`insert`, `get`, …), its time
    /// and its error, before the outcome is returned to the caller.
    pub fn new(
        inner: SharedStore,
        on_done: impl Fn(&'static str, Duration, Option<&StoreError>) + Send + Sync + 'static,
    ) -> Self {
        Self { inner, on_done: Box::new(on_done) }
    }
}

impl fmt::Debug for InstrumentedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl StoreLayer for InstrumentedStore {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    fn done(&self, operation: &'static str, took: Duration, error: Option<&StoreError>) {
        (self.on_done)(operation, took, error);
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

    contract::suite!(async { Arc::new(InstrumentedStore::new(memory(10_000), |_, _, _| ())) });

    #[tokio::test]
    async fn reports_each_operation_with_its_error() {
        let reported = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&reported);
        let store = InstrumentedStore::new(memory(1), move |operation, _, error| {
            sink.lock().unwrap().push((operation, error.is_some()));
        });
        assert_eq!(store.insert(record("a"), NOW).await, Ok(true));
        assert_eq!(store.insert(record("a"), NOW).await, Ok(false));
        assert!(store.insert(record("b"), NOW).await.is_err());
        let expected = [("insert", false), ("insert", false), ("insert", true)];
        assert_eq!(*reported.lock().unwrap(), expected);
    }
}
