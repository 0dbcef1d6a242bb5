//! How many fetches run at once: in all, and to one host, so that a slow host holds up itself only.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, Weak},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// In all.
const MAX_CONCURRENT: usize = 64;
/// To one host.
const MAX_PER_HOST: usize = 8;

/// Places for fetches.
#[derive(Debug)]
pub struct ConcurrencyLimiter {
    all: Arc<Semaphore>,
    hosts: Mutex<HashMap<String, Weak<Semaphore>>>,
}

/// A place; it is free again when this is dropped.
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
    /// Waits for a place. Who waits for a busy host takes no place of others.
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
        // Hosts that nobody calls any more go whenever a new one comes.
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
    async fn a_busy_host_holds_up_itself_only() {
        let slots = ConcurrencyLimiter::default();
        let mut held = Vec::new();
        for _ in 0..MAX_PER_HOST {
            held.push(slots.take("slow.test").await.expect("a place"));
        }
        assert!(slots.take("slow.test").now_or_never().is_none(), "it waits");
        assert!(slots.take("other.test").now_or_never().flatten().is_some());
        held.pop();
        assert!(slots.take("slow.test").now_or_never().flatten().is_some());
    }

    #[tokio::test]
    async fn forgets_hosts_that_nobody_calls() {
        let slots = ConcurrencyLimiter::default();
        for number in 0..100 {
            drop(slots.take(&format!("{number}.test")).await);
        }
        assert!(slots.hosts.lock().expect("whole").len() <= 1);
    }
}
