//! A bounded cache of documents by tenant and URL, and single-flight fetching. Tenants share no
//! entry: the fetches of one, which it may use up, must not be those of another.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{sync::OwnedMutexGuard, task::JoinError};
use tracing::Instrument;

use crate::model::TenantId;

/// Permits one fetch of a URL at a time.
#[derive(Debug, Default)]
pub(crate) struct SingleFlight(Arc<tokio::sync::Mutex<()>>);

/// The permit of the only fetch of a URL.
pub(crate) struct FlightPermit(OwnedMutexGuard<()>);

impl SingleFlight {
    /// Waits until no other fetch runs.
    pub(crate) async fn acquire(&self) -> FlightPermit {
        FlightPermit(Arc::clone(&self.0).lock_owned().await)
    }
}

impl FlightPermit {
    /// Runs a fetch as a separate task. If the request that started it is cancelled, the fetch
    /// still completes for the others that wait.
    pub(crate) async fn run<T>(
        self,
        fetching: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, JoinError>
    where
        T: Send + 'static,
    {
        let alone = async move {
            let _held = self.0;
            fetching.await
        };
        tokio::spawn(alone.in_current_span()).await
    }
}

/// A cache with a bounded number of URLs.
#[derive(Debug, Default)]
pub(crate) struct UrlCache<T, const MAX_ENTRIES: usize> {
    /// By tenant and URL, which contain no space.
    slots: Mutex<HashMap<String, Arc<T>>>,
}

impl<T: Default, const MAX_ENTRIES: usize> UrlCache<T, MAX_ENTRIES> {
    /// The tenant's entry of a URL, or an empty one.
    pub(crate) fn slot(&self, tenant: &TenantId, uri: &str) -> Arc<T> {
        let key = format!("{tenant} {uri}");
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(&key) {
            return Arc::clone(slot);
        }
        if slots.len() >= MAX_ENTRIES {
            // Entries in use are kept. Removing one costs a fetch.
            let mut spared = MAX_ENTRIES / 2;
            slots.retain(|_, slot| {
                spared = spared.saturating_sub(1);
                spared > 0 || Arc::strong_count(slot) > 1
            });
        }
        Arc::clone(slots.entry(key).or_default())
    }

    /// The number of URLs in the cache.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
