//! Limits concurrent fetches, and shares them fairly. A tenant has at most as many as are free, so other tenants
//! always find one. A slow host delays only fetches from that host, and each tenant's separately.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// The limits of HTTP fetches.
const HTTP_LIMITS: ConcurrencyLimits =
    ConcurrencyLimits { total: 64, per_host: 8, per_address: 16 };
/// Most fetches of a tenant that wait.
const MAX_WAITING_PER_TENANT: usize = 64;

/// The most fetches that run at once.
#[derive(Clone, Copy, Debug)]
pub struct ConcurrencyLimits {
    /// Fetches of all tenants together.
    pub total: usize,
    /// Fetches of one tenant from one host.
    pub per_host: usize,
    /// Fetches that one client address causes. The limit exceeds `per_host`, so that a host that
    /// hangs does not block fetches from other hosts.
    pub per_address: usize,
}

/// The party on whose behalf a document is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchOwner {
    /// The tenant, as `namespace/name`, and for documents of its clients their namespace too.
    pub tenant: Arc<str>,
    /// The client address whose request causes the fetch, if one does.
    pub address: Option<IpAddr>,
}

/// Issues permits for fetches within [`ConcurrencyLimits`].
#[derive(Debug)]
pub struct ConcurrencyLimiter(Arc<Mutex<FetchUsage>>);

/// A permit for one fetch, returned when it is dropped.
#[derive(Debug)]
pub struct FetchPermit {
    usage: Arc<Mutex<FetchUsage>>,
    fetch: PermittedFetch,
}

/// The owner and host of a fetch.
#[derive(Clone, Debug)]
struct PermittedFetch {
    owner: FetchOwner,
    host: Arc<str>,
}

#[derive(Debug)]
struct FetchUsage {
    limits: ConcurrencyLimits,
    total: usize,
    tenants: HashMap<Arc<str>, usize>,
    addresses: HashMap<IpAddr, usize>,
    /// Running fetches by tenant and host.
    hosts: HashMap<(Arc<str>, Arc<str>), usize>,
    /// Waiting fetches, by the time of arrival.
    waiting: Vec<(PermittedFetch, oneshot::Sender<FetchPermit>)>,
}

impl Default for ConcurrencyLimiter {
    fn default() -> Self {
        Self::new(HTTP_LIMITS)
    }
}

impl ConcurrencyLimiter {
    /// A limiter with limits of its own.
    pub fn new(limits: ConcurrencyLimits) -> Self {
        Self(Arc::new(Mutex::new(FetchUsage {
            limits,
            total: 0,
            tenants: HashMap::new(),
            addresses: HashMap::new(),
            hosts: HashMap::new(),
            waiting: Vec::new(),
        })))
    }

    /// Waits for a permit; `None` if too many fetches of the tenant wait, and the address has its share
    /// of them.
    pub async fn acquire(&self, owner: &FetchOwner, host: &str) -> Option<FetchPermit> {
        let fetch = PermittedFetch { owner: owner.clone(), host: host.into() };
        let granted = {
            let mut usage = locked(&self.0);
            if usage.permits(&fetch) {
                usage.begin(&fetch);
                return Some(FetchPermit { usage: Arc::clone(&self.0), fetch });
            }
            usage.waiting.retain(|(_, waiter)| !waiter.is_closed());
            if !usage.has_place(owner) {
                return None;
            }
            let (waiter, granted) = oneshot::channel();
            usage.waiting.push((fetch, waiter));
            granted
        };
        granted.await.ok()
    }
}

fn locked(usage: &Mutex<FetchUsage>) -> MutexGuard<'_, FetchUsage> {
    usage.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for FetchPermit {
    fn drop(&mut self) {
        locked(&self.usage).end(&self.fetch);
        loop {
            let Some((fetch, waiter)) = locked(&self.usage).next() else { return };
            let permit = Self { usage: Arc::clone(&self.usage), fetch };
            // A permit whose waiter is gone is dropped, and goes to the next one.
            if waiter.send(permit).is_err() {
                return;
            }
        }
    }
}

impl FetchUsage {
    fn of_tenant(&self, fetch: &PermittedFetch) -> usize {
        self.tenants.get(&fetch.owner.tenant).copied().unwrap_or_default()
    }

    fn of_address(&self, fetch: &PermittedFetch) -> usize {
        let address = fetch.owner.address.and_then(|address| self.addresses.get(&address));
        address.copied().unwrap_or_default()
    }

    fn permits(&self, fetch: &PermittedFetch) -> bool {
        let host = self.hosts.get(&fetch.tenant_and_host()).copied().unwrap_or_default();
        let free = self.limits.total - self.total;
        self.of_tenant(fetch) < free
            && self.of_address(fetch) < self.limits.per_address
            && host < self.limits.per_host
    }

    fn begin(&mut self, fetch: &PermittedFetch) {
        self.total += 1;
        *self.tenants.entry(Arc::clone(&fetch.owner.tenant)).or_default() += 1;
        *self.hosts.entry(fetch.tenant_and_host()).or_default() += 1;
        if let Some(address) = fetch.owner.address {
            *self.addresses.entry(address).or_default() += 1;
        }
    }

    fn end(&mut self, fetch: &PermittedFetch) {
        self.total -= 1;
        count_down(&mut self.tenants, &fetch.owner.tenant);
        count_down(&mut self.hosts, &fetch.tenant_and_host());
        if let Some(address) = fetch.owner.address {
            count_down(&mut self.addresses, &address);
        }
    }

    /// Returns true if another fetch may wait. If the tenant has no place left, the address with the most
    /// places loses its latest one, unless this address would then have more.
    fn has_place(&mut self, owner: &FetchOwner) -> bool {
        let mut by_address: HashMap<Option<IpAddr>, usize> = HashMap::new();
        let of_tenant = |(it, _): &&(PermittedFetch, _)| it.owner.tenant == owner.tenant;
        for (fetch, _) in self.waiting.iter().filter(of_tenant) {
            *by_address.entry(fetch.owner.address).or_default() += 1;
        }
        if by_address.values().sum::<usize>() < MAX_WAITING_PER_TENANT {
            return true;
        }
        let own = by_address.get(&owner.address).copied().unwrap_or_default();
        let Some((address, most)) = by_address.into_iter().max_by_key(|(_, count)| *count) else {
            return true;
        };
        if most <= own + 1 {
            return false;
        }
        let latest = self
            .waiting
            .iter()
            .rposition(|(it, _)| it.owner.tenant == owner.tenant && it.owner.address == address);
        // Without its sender, the fetch that waits ends as one that found no place.
        latest.map(|latest| self.waiting.remove(latest)).is_some()
    }

    /// Begins a waiting fetch that is permitted: one of the tenant with the fewest, and of its
    /// address with the fewest.
    fn next(&mut self) -> Option<(PermittedFetch, oneshot::Sender<FetchPermit>)> {
        let waiting = self.waiting.iter().enumerate();
        let permitted = waiting.filter(|(_, (fetch, _))| self.permits(fetch));
        let (next, _) = permitted.min_by_key(|(index, (fetch, _))| {
            (self.of_tenant(fetch), self.of_address(fetch), *index)
        })?;
        let next = self.waiting.remove(next);
        self.begin(&next.0);
        Some(next)
    }
}

impl PermittedFetch {
    fn tenant_and_host(&self) -> (Arc<str>, Arc<str>) {
        (Arc::clone(&self.owner.tenant), Arc::clone(&self.host))
    }
}

fn count_down<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn owner(tenant: &str, address: Option<u8>) -> FetchOwner {
        let address = address.map(|last| [192, 0, 2, last].into());
        FetchOwner { tenant: tenant.into(), address }
    }

    fn now(limiter: &ConcurrencyLimiter, owner: &FetchOwner, host: &str) -> Option<FetchPermit> {
        limiter.acquire(owner, host).now_or_never().flatten()
    }

    #[tokio::test]
    async fn a_busy_host_delays_only_its_own_fetches() {
        let limiter = ConcurrencyLimiter::default();
        let owner = owner("a/b", None);
        let mut permits: Vec<_> =
            (0..HTTP_LIMITS.per_host).filter_map(|_| now(&limiter, &owner, "slow.test")).collect();
        assert_eq!(permits.len(), HTTP_LIMITS.per_host);
        let mut waits = Box::pin(limiter.acquire(&owner, "slow.test"));
        assert!(futures::poll!(&mut waits).is_pending());
        assert!(now(&limiter, &owner, "other.test").is_some());
        permits.pop();
        assert!(waits.await.is_some());
    }

    #[tokio::test]
    async fn a_flood_at_39_tenants_leaves_a_fetch_for_the_40th() {
        let limiter = ConcurrencyLimiter::default();
        let mut permits = Vec::new();
        let mut waiting = Vec::new();
        for number in 0..39 * 10 {
            let owner = owner(&format!("flood/{}", number % 39), None);
            let limiter = &limiter;
            let mut flood = Box::pin(async move { limiter.acquire(&owner, "slow.test").await });
            match futures::poll!(&mut flood) {
                std::task::Poll::Ready(permit) => permits.extend(permit),
                std::task::Poll::Pending => waiting.push(flood),
            }
        }
        assert!(permits.len() >= 60, "{}", permits.len());
        let fair = now(&limiter, &owner("team/main", None), "own.test");
        assert!(fair.is_some());
        drop(permits.pop());
        drop(fair);
        assert!(now(&limiter, &owner("team/main", None), "own.test").is_some(), "again");
    }

    #[tokio::test]
    async fn an_address_that_waits_for_a_host_reaches_others() {
        let limiter = ConcurrencyLimiter::default();
        let owner = owner("a/b", Some(1));
        let hanging = || now(&limiter, &owner, "slow.test");
        let permits: Vec<_> = (0..HTTP_LIMITS.per_address).filter_map(|_| hanging()).collect();
        assert_eq!(permits.len(), HTTP_LIMITS.per_host);
        assert!(now(&limiter, &owner, "other.test").is_some());
    }

    #[tokio::test]
    async fn an_address_cannot_use_all_fetches_of_its_tenant() {
        let limiter = ConcurrencyLimiter::default();
        let hosts: Vec<String> = (0..20).map(|number| format!("{number}.test")).collect();
        let flood = |host: &String| now(&limiter, &owner("a/b", Some(1)), host);
        let permits: Vec<_> = hosts.iter().filter_map(flood).collect();
        assert_eq!(permits.len(), HTTP_LIMITS.per_address);
        assert!(now(&limiter, &owner("a/b", Some(2)), "0.test").is_some());
    }

    #[tokio::test]
    async fn an_address_cannot_use_all_places_of_its_tenant() {
        let limiter = ConcurrencyLimiter::default();
        let (flood, person) = (owner("a/b", Some(1)), owner("a/b", Some(2)));
        let permits: Vec<_> =
            (0..HTTP_LIMITS.per_host).filter_map(|_| now(&limiter, &flood, "idp.test")).collect();
        let mut waiting = Vec::new();
        for _ in 0..2 * MAX_WAITING_PER_TENANT {
            let mut waits = Box::pin(limiter.acquire(&flood, "idp.test"));
            if futures::poll!(&mut waits).is_pending() {
                waiting.push(waits);
            }
        }
        assert_eq!(waiting.len(), MAX_WAITING_PER_TENANT);
        let mut person = Box::pin(limiter.acquire(&person, "idp.test"));
        assert!(futures::poll!(&mut person).is_pending(), "it has a place");
        let latest = waiting.pop().expect("one waits").await;
        assert!(latest.is_none(), "the address with the most has lost its latest place");
        drop(permits);
        assert!(person.await.is_some());
    }

    #[tokio::test]
    async fn fetches_that_ended_or_were_given_up_leave_no_entries() {
        let limiter = ConcurrencyLimiter::default();
        let owner = owner("a/b", Some(1));
        let permits: Vec<_> =
            (0..HTTP_LIMITS.per_host).filter_map(|_| now(&limiter, &owner, "slow.test")).collect();
        for _ in 0..2 * MAX_WAITING_PER_TENANT {
            assert!(now(&limiter, &owner, "slow.test").is_none());
        }
        drop(permits);
        let usage = locked(&limiter.0);
        assert_eq!((usage.total, usage.waiting.len()), (0, 0));
        assert!(usage.tenants.is_empty() && usage.hosts.is_empty() && usage.addresses.is_empty());
    }
}
