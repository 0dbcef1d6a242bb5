//! A bounded cache of documents by tenant, URL and rights, and single-flight fetching. Tenants share no entry, or
//! one tenant could use up the fetches of another. Neither do clients with different rights to fetch: one that may
//! not call a host must not get what another fetched there.

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
///
/// It is not a [`BoundedCache`](crate::model::BoundedCache), which drops what was not used for the longest time:
/// strangers choose URLs, so one tenant with many of them would drop the documents of the others. An entry in use is
/// kept, because its [`SingleFlight`] makes one of concurrent fetches. Such entries may exceed the bound: at most one
/// for each request in progress.
#[derive(Debug, Default)]
pub(crate) struct UrlCache<T, const MAX_ENTRIES: usize> {
    /// The documents, by the rights to fetch, the tenant and the URL. None of these contains a space.
    slots: Mutex<UrlSlots<T>>,
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
            remove_half_of_largest_tenant(&mut slots);
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

type UrlSlots<T> = HashMap<(FetchRights, String), Arc<T>>;

/// Makes room at the cost of the tenant with the most URLs: strangers may choose those. Entries in use are kept.
/// Removing one costs a fetch.
fn remove_half_of_largest_tenant<T>(slots: &mut UrlSlots<T>) {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for (_, name) in slots.keys() {
        *counts.entry(tenant_of(name)).or_default() += 1;
    }
    let largest = counts.into_iter().max_by_key(|(_, count)| *count);
    let Some((tenant, count)) = largest.map(|(tenant, count)| (tenant.to_owned(), count)) else {
        return;
    };
    let mut spared = count / 2;
    slots.retain(|(_, name), slot| {
        if tenant_of(name) != tenant || Arc::strong_count(slot) > 1 {
            return true;
        }
        let is_spared = spared > 0;
        spared = spared.saturating_sub(1);
        is_spared
    });
}

fn tenant_of(name: &str) -> &str {
    name.split(' ').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tenant_with_the_most_urls_makes_room() {
        let mut slots: UrlSlots<()> = HashMap::new();
        let mut add = |tenant: &str, count: usize| {
            for number in 0..count {
                let name = format!("{tenant} https://{number}.test/");
                slots.insert((FetchRights::default(), name), Arc::default());
            }
        };
        add("team/small", 10);
        add("team/large", 100);
        let used =
            Arc::clone(&slots[&(FetchRights::default(), "team/large https://7.test/".to_owned())]);
        remove_half_of_largest_tenant(&mut slots);
        let count =
            |tenant: &str| slots.keys().filter(|(_, name)| tenant_of(name) == tenant).count();
        assert_eq!(count("team/small"), 10);
        assert!((50..=51).contains(&count("team/large")), "{}", count("team/large"));
        assert!(Arc::strong_count(&used) > 1, "an entry in use is kept");
    }
}
