//! A bounded cache of documents by tenant, URL and rights, and single-flight fetching. Tenants share no
//! entry: the fetches of one, which it may use up, must not be those of another. Neither do clients with
//! different rights to fetch: one that may not call a host must not get what another fetched there.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{sync::OwnedMutexGuard, task::JoinError};
use tracing::Instrument;

use crate::{
    fetch::{Fetch, FetchRights},
    model::TenantId,
};

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
    /// By the rights to fetch, and by tenant and URL, which contain no space.
    slots: Mutex<HashMap<(FetchRights, String), Arc<T>>>,
}

impl<T: Default, const MAX_ENTRIES: usize> UrlCache<T, MAX_ENTRIES> {
    /// The tenant's entry of a URL for those with the rights of a client, or an empty one.
    pub(crate) fn slot(&self, fetch: &dyn Fetch, (tenant, uri): (&TenantId, &str)) -> Arc<T> {
        let key = (fetch.rights(uri), format!("{tenant} {uri}"));
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

    /// The tenant's entry of a URL, if there is one.
    pub(crate) fn known_slot(
        &self,
        fetch: &dyn Fetch,
        (tenant, uri): (&TenantId, &str),
    ) -> Option<Arc<T>> {
        let key = (fetch.rights(uri), format!("{tenant} {uri}"));
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
    }

    /// The number of URLs in the cache.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
