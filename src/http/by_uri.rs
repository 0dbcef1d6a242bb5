//! What is known of the addresses that clients name, by address: a bounded number of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// A slot for each address.
#[derive(Debug)]
pub(super) struct ByUri<T> {
    slots: Mutex<HashMap<String, Arc<T>>>,
    most: usize,
}

impl<T: Default> ByUri<T> {
    /// Remembers so many addresses.
    pub(super) fn new(most: usize) -> Self {
        Self { slots: Mutex::default(), most }
    }

    /// The slot of an address, an empty one if it is not remembered.
    pub(super) fn slot(&self, uri: &str) -> Arc<T> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(uri) {
            return Arc::clone(slot);
        }
        if slots.len() >= self.most {
            // Those in use stay. Forgetting one costs a fetch.
            let mut spared = self.most / 2;
            slots.retain(|_, slot| {
                spared = spared.saturating_sub(1);
                spared > 0 || Arc::strong_count(slot) > 1
            });
        }
        Arc::clone(slots.entry(uri.to_owned()).or_default())
    }

    /// How many addresses are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
