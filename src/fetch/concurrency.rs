//! Limits concurrent fetches, in total and per host, so a slow host delays only its own fetches.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, Weak},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Concurrent fetches in total.
const MAX_CONCURRENT: usize = 64;
/// Concurrent fetches per host.
const MAX_PER_HOST: usize = 8;

/// Issues permits for fetches.
#[derive(Debug)]
pub struct ConcurrencyLimiter {
    all: Arc<Semaphore>,
    hosts: Mutex<HashMap<String, Weak<Semaphore>>>,
}

/// A permit for one fetch, returned when it is dropped.
#[derive(Debug)]
pub struct FetchPermit {
    _host: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Default for ConcurrencyLimiter {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(MAX_CONCURRENT)), hosts: Mutex::default() }
    }
}

impl ConcurrencyLimiter {
    /// Waits for a permit. A fetch that waits for a busy host holds no permit of the total.
    pub async fn take(&self, host: &str) -> Option<FetchPermit> {
        let host = self.of(host).acquire_owned().await.ok()?;
        let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(FetchPermit { _host: host, _all: all })
    }

    fn of(&self, host: &str) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = hosts.get(host).and_then(Weak::upgrade) {
            return known;
        }
        // Entries of hosts without fetches are removed whenever a new host is added.
        hosts.retain(|_, semaphore| semaphore.strong_count() > 0);
        let semaphore = Arc::new(Semaphore::new(MAX_PER_HOST));
        hosts.insert(host.to_owned(), Arc::downgrade(&semaphore));
        semaphore
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_busy_host_delays_only_its_own_fetches() {
        let slots = ConcurrencyLimiter::default();
        let mut permits = Vec::new();
        for _ in 0..MAX_PER_HOST {
            permits.push(slots.take("slow.test").await.expect("a place"));
        }
        assert!(slots.take("slow.test").now_or_never().is_none(), "it waits");
        assert!(slots.take("other.test").now_or_never().flatten().is_some());
        permits.pop();
        assert!(slots.take("slow.test").now_or_never().flatten().is_some());
    }

    #[tokio::test]
    async fn removes_hosts_without_fetches() {
        let slots = ConcurrencyLimiter::default();
        for number in 0..100 {
            drop(slots.take(&format!("{number}.test")).await);
        }
        assert!(slots.hosts.lock().expect("whole").len() <= 1);
    }
}
