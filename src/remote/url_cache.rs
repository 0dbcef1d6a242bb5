//! What is known of the addresses that clients name, by address: a bounded number of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{sync::OwnedMutexGuard, task::JoinError};
use tracing::Instrument;

/// What lets one fetch of an address begin at a time.
#[derive(Debug, Default)]
pub(crate) struct SingleFlight(Arc<tokio::sync::Mutex<()>>);

/// Nobody else fetches while this is held.
pub(crate) struct FlightPermit(OwnedMutexGuard<()>);

impl SingleFlight {
    /// Waits until nobody fetches.
    pub(crate) async fn pass(&self) -> FlightPermit {
        FlightPermit(Arc::clone(&self.0).lock_owned().await)
    }
}

impl FlightPermit {
    /// Runs a fetch to its end, as a task of its own: whose request ends early does not end it for
    /// the others, who wait until then.
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

/// A slot for each address, of so many at most.
#[derive(Debug, Default)]
pub(crate) struct UrlCache<T, const MOST: usize> {
    slots: Mutex<HashMap<String, Arc<T>>>,
}

impl<T: Default, const MOST: usize> UrlCache<T, MOST> {
    /// The slot of an address, an empty one if it is not remembered.
    pub(crate) fn slot(&self, uri: &str) -> Arc<T> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(uri) {
            return Arc::clone(slot);
        }
        if slots.len() >= MOST {
            // Those in use stay. Forgetting one costs a fetch.
            let mut spared = MOST / 2;
            slots.retain(|_, slot| {
                spared = spared.saturating_sub(1);
                spared > 0 || Arc::strong_count(slot) > 1
            });
        }
        Arc::clone(slots.entry(uri.to_owned()).or_default())
    }

    /// How many addresses are remembered.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
