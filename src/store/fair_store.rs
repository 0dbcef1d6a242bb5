//! A layer on a durable store that shares its space between tenants.
//!
//! The store is counted in the background, never by a request. Between two counts, a replica knows of the records that
//! it inserts, and not of those of other replicas: a tenant can go beyond its share by these.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;

use super::{
    SpaceUsage, Store, StoreError, StoreLayer, StoreOperation, StoreSpace,
    tenant_shares::TenantShares,
};

/// Interval between measurements of a store that is not counted.
const MEASURE_INTERVAL: Duration = Duration::from_secs(10);
/// Pause between two counts, at least.
const MIN_PAUSE: Duration = Duration::from_mins(1);
/// The pause after a count, in lengths of the count: counting takes at most a twentieth of the time.
const PAUSE_FACTOR: u32 = 20;

/// A store whose space can be measured.
#[async_trait]
pub trait MeasuredStore: Store {
    /// Reads the space of the store, at a cost that does not grow with its records. `None` if its size is not known.
    async fn space(&self) -> Result<Option<StoreSpace>, StoreError>;

    /// Counts the space of the records of each tenant, while other operations go on.
    async fn usage_by_tenant(&self) -> Result<SpaceUsage, StoreError>;
}

/// A store that refuses further records of a tenant that uses more than its share of the space.
#[derive(Debug)]
pub struct FairStore {
    inner: Arc<dyn MeasuredStore>,
    shares: Mutex<TenantShares>,
}

impl FairStore {
    /// Wraps a store. Nothing is refused until `refresh` has counted the records.
    pub fn new(inner: Arc<dyn MeasuredStore>) -> Self {
        Self { inner, shares: Mutex::default() }
    }

    /// Measures the store, and counts its records if more than half of the space is used. Returns true if it counted.
    pub async fn refresh(&self) -> Result<bool, StoreError> {
        let space = self.inner.space().await?;
        let is_needed = self.shares().begin_count(space);
        if is_needed {
            let count = self.inner.usage_by_tenant().await?;
            self.shares().finish_count(count);
        }
        Ok(is_needed)
    }

    fn shares(&self) -> MutexGuard<'_, TenantShares> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl StoreLayer for FairStore {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    async fn before(&self, operation: StoreOperation<'_>) -> Result<(), StoreError> {
        let StoreOperation::Insert(record) = operation else { return Ok(()) };
        self.shares().admit(record)
    }
}

/// Keeps the shares of a store current until the future is dropped. After an error the last count stays.
pub async fn refresh_shares_regularly(store: Arc<FairStore>) {
    let mut pause = MEASURE_INTERVAL;
    loop {
        tokio::time::sleep(pause).await;
        let started = Instant::now();
        pause = match store.refresh().await {
            Ok(false) => MEASURE_INTERVAL,
            Ok(true) => pause_after_count(started.elapsed()),
            Err(error) => {
                tracing::warn!(%error, "could not count the records of the store by tenant");
                pause_after_count(started.elapsed())
            }
        };
    }
}

/// The pause after a count that took `took`.
fn pause_after_count(took: Duration) -> Duration {
    took.saturating_mul(PAUSE_FACTOR).max(MIN_PAUSE)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use super::*;
    use crate::{
        model::SeededEntropy,
        store::{
            MemoryStore,
            contract::{NOW, record},
        },
    };

    /// A store of 1,000 bytes that reports the given usage, all of one tenant.
    #[derive(Debug)]
    struct Reporting {
        records: MemoryStore,
        used: AtomicU64,
        counts: AtomicUsize,
    }

    impl Reporting {
        fn new(used: u64) -> Arc<Self> {
            Arc::new(Self {
                records: MemoryStore::new(&SeededEntropy::new(1), 10_000),
                used: AtomicU64::new(used),
                counts: AtomicUsize::new(0),
            })
        }
    }

    impl StoreLayer for Reporting {
        fn inner(&self) -> &dyn Store {
            &self.records
        }
    }

    #[async_trait]
    impl MeasuredStore for Reporting {
        async fn space(&self) -> Result<Option<StoreSpace>, StoreError> {
            Ok(Some(StoreSpace { capacity: 1000, used: self.used.load(Ordering::SeqCst) }))
        }

        async fn usage_by_tenant(&self) -> Result<SpaceUsage, StoreError> {
            self.counts.fetch_add(1, Ordering::SeqCst);
            let mut count = SpaceUsage::default();
            count.add(&record("a").key.tenant, 0, self.used.load(Ordering::SeqCst));
            Ok(count)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_is_counted_only_while_more_than_half_is_used() {
        let inner = Reporting::new(500);
        let store = Arc::new(FairStore::new(Arc::clone(&inner) as _));
        let counting = tokio::spawn(refresh_shares_regularly(Arc::clone(&store)));
        tokio::time::sleep(Duration::from_hours(1)).await;
        assert_eq!(inner.counts.load(Ordering::SeqCst), 0);
        assert_eq!(store.insert(record("a"), NOW).await, Ok(true));

        inner.used.store(900, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(11)).await;
        assert_eq!(inner.counts.load(Ordering::SeqCst), 1);
        assert!(matches!(store.insert(record("b"), NOW).await, Err(StoreError::Unavailable(_))));
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(inner.counts.load(Ordering::SeqCst), 2, "a minute later");

        inner.used.store(400, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(inner.counts.load(Ordering::SeqCst), 2);
        assert_eq!(store.insert(record("b"), NOW).await, Ok(true));
        counting.abort();
    }

    #[test]
    fn counting_takes_a_twentieth_of_the_time() {
        let seconds = Duration::from_secs;
        for (took, pause) in [(0, 60), (1, 60), (3, 60), (30, 600)] {
            assert_eq!(pause_after_count(seconds(took)), seconds(pause), "{took}");
        }
    }
}
