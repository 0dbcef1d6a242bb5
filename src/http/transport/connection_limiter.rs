//! Limits concurrent connections, in total and per client address, so one client cannot use all of
//! them.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::TrustedProxies;
use crate::model::throttle_prefix;

/// Issues permits for connections. A connection holds its permit until it is closed.
#[derive(Debug)]
pub struct ConnectionLimiter {
    all: Arc<Semaphore>,
    /// Maximum per address; 0: no limit per address.
    each: usize,
    /// The remedy for users that share an address, for the log.
    remedy: &'static str,
    held: Mutex<HashMap<IpAddr, AddressUsage>>,
}

/// The connections of an address.
#[derive(Debug, Default)]
struct AddressUsage {
    connections: usize,
    /// Whether the limit was already logged for this address.
    logged: bool,
}

/// A permit for one connection, returned when it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    _one_of_all: OwnedSemaphorePermit,
    _of_address: Option<OfAddress>,
}

/// A connection counted for its address.
#[derive(Debug)]
struct OfAddress {
    places: Arc<ConnectionLimiter>,
    address: IpAddr,
}

impl ConnectionLimiter {
    pub(crate) fn new(all: usize, each: usize, remedy: &'static str) -> Arc<Self> {
        let all = Arc::new(Semaphore::new(all));
        Arc::new(Self { all, each, remedy, held: Mutex::default() })
    }

    /// Waits until the total permits another connection.
    pub(crate) async fn acquire_total(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.all).acquire_owned().await.ok()
    }

    /// Issues a permit to a connection from `peer`; `None` if its address is at the limit. Trusted
    /// proxies have no limit per address: they carry the connections of many clients and bound them
    /// themselves.
    pub(crate) fn acquire_for_address(
        self: &Arc<Self>,
        free: OwnedSemaphorePermit,
        peer: IpAddr,
        proxies: &TrustedProxies,
    ) -> Option<ConnectionPermit> {
        if self.each == 0 || proxies.contains(peer) {
            return Some(ConnectionPermit { _one_of_all: free, _of_address: None });
        }
        let address = throttle_prefix(peer);
        let mut addresses = self.held();
        let held = addresses.entry(address).or_default();
        if held.connections < self.each {
            held.connections += 1;
            drop(addresses);
            let of_address = OfAddress { places: Arc::clone(self), address };
            return Some(ConnectionPermit { _one_of_all: free, _of_address: Some(of_address) });
        }
        if !std::mem::replace(&mut held.logged, true) {
            tracing::warn!(
                %address, connections = self.each, remedy = self.remedy,
                "client address reached its connection limit; closing further connections"
            );
        }
        None
    }

    fn held(&self) -> MutexGuard<'_, HashMap<IpAddr, AddressUsage>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OfAddress {
    fn drop(&mut self) {
        let mut addresses = self.places.held();
        if let Some(held) = addresses.get_mut(&self.address) {
            held.connections -= 1;
            if held.connections == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ForwardedHeaders;
    use super::*;

    async fn take(places: &Arc<ConnectionLimiter>, peer: &str) -> Option<ConnectionPermit> {
        let proxy = "10.0.0.0/8".parse().expect("a network");
        let proxies = TrustedProxies::new(vec![proxy], ForwardedHeaders::default());
        let free = places.acquire_total().await.expect("the semaphore is never closed");
        places.acquire_for_address(free, peer.parse().expect("an address"), &proxies)
    }

    #[tokio::test]
    async fn connections_per_address_are_limited() {
        let places = ConnectionLimiter::new(10, 2, "");
        let (first, _second) = (take(&places, "192.0.2.1").await, take(&places, "192.0.2.1").await);
        assert!(first.is_some());
        assert!(
            take(&places, "::ffff:192.0.2.1").await.is_none(),
            "the same address in another notation"
        );
        assert!(take(&places, "192.0.2.2").await.is_some(), "another address");
        drop(first);
        assert!(take(&places, "192.0.2.1").await.is_some(), "one is free again");
    }

    #[tokio::test]
    async fn closed_connections_leave_no_entry() {
        let places = ConnectionLimiter::new(10, 1, "");
        let held = take(&places, "2001:db8::1").await;
        assert!(
            take(&places, "2001:db8::2").await.is_none(),
            "a /64 network counts as one address"
        );
        drop(held);
        assert!(places.held().is_empty());
        assert_eq!(places.all.available_permits(), 10);
    }

    #[tokio::test]
    async fn proxies_are_not_limited_per_address() {
        let places = ConnectionLimiter::new(3, 1, "");
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(take(&places, "10.0.0.1").await.expect("a place"));
        }
        let unbounded = ConnectionLimiter::new(3, 0, "");
        for _ in 0..3 {
            held.push(take(&unbounded, "192.0.2.1").await.expect("a place"));
        }
    }
}
