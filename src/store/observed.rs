//! A layer on a store that reports each failed operation to a callback, for the metrics and the log of
//! all backends.

use std::fmt;

use super::{SharedStore, Store, StoreError, StoreLayer};

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

    fn failed(&self, operation: &'static str, error: &StoreError) {
        (self.on_error)(operation, error);
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
