//! Places for connections: so many in all, and so many of one address, so that no one client can
//! take them all.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::TrustedProxies;
use crate::identity::throttle_prefix;

/// The places of a server.
#[derive(Debug)]
pub(crate) struct ConnectionLimiter {
    all: Arc<Semaphore>,
    /// Of one address; 0: as many as there are.
    each: usize,
    held: Mutex<HashMap<IpAddr, AddressUsage>>,
}

/// What an address holds.
#[derive(Debug, Default)]
struct AddressUsage {
    connections: usize,
    /// Whether the log has its being refused.
    told: bool,
}

/// A place; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    _one_of_all: OwnedSemaphorePermit,
    _of_address: Option<OfAddress>,
}

/// One of those that an address holds.
#[derive(Debug)]
struct OfAddress {
    places: Arc<ConnectionLimiter>,
    address: IpAddr,
}

impl ConnectionLimiter {
    pub(crate) fn new(all: usize, each: usize) -> Arc<Self> {
        let all = Arc::new(Semaphore::new(all));
        Arc::new(Self { all, each, held: Mutex::default() })
    }

    /// Waits for a place, for whoever comes.
    pub(crate) async fn free(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.all).acquire_owned().await.ok()
    }

    /// Gives a place to a connection from `peer`. `None`: its address holds as many as it may. A
    /// proxy's connections are many people's, whose number it bounds itself.
    pub(crate) fn give(
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
        if !std::mem::replace(&mut held.told, true) {
            tracing::warn!(
                %address, connections = self.each,
                "an address has as many connections as one may: further ones are closed. If many \
                 people come from it, see --trusted-proxies and --max-connections-per-address"
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
        let free = places.free().await.expect("the semaphore is never closed");
        places.give(free, peer.parse().expect("an address"), &proxies)
    }

    #[tokio::test]
    async fn an_address_holds_so_many_and_leaves_the_others_theirs() {
        let places = ConnectionLimiter::new(10, 2);
        let (first, _second) = (take(&places, "192.0.2.1").await, take(&places, "192.0.2.1").await);
        assert!(first.is_some());
        assert!(take(&places, "::ffff:192.0.2.1").await.is_none(), "the same in another form");
        assert!(take(&places, "192.0.2.2").await.is_some(), "another address");
        drop(first);
        assert!(take(&places, "192.0.2.1").await.is_some(), "one is free again");
    }

    #[tokio::test]
    async fn nothing_is_kept_of_who_has_gone() {
        let places = ConnectionLimiter::new(10, 1);
        let held = take(&places, "2001:db8::1").await;
        assert!(take(&places, "2001:db8::2").await.is_none(), "a network of 64 bits is one");
        drop(held);
        assert!(places.held().is_empty());
        assert_eq!(places.all.available_permits(), 10);
    }

    #[tokio::test]
    async fn a_proxy_has_as_many_as_there_are() {
        let places = ConnectionLimiter::new(3, 1);
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(take(&places, "10.0.0.1").await.expect("a place"));
        }
        let unbounded = ConnectionLimiter::new(3, 0);
        for _ in 0..3 {
            held.push(take(&unbounded, "192.0.2.1").await.expect("a place"));
        }
    }
}
