//! A layer on a durable store that shares its space between tenants.
//!
//! The store is counted in the background, never by a request. Between two counts, a replica knows of the records that
//! it inserts, but not of those that other replicas insert. A tenant can exceed its share by those. Measurements
//! between the counts bound the estimate.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;

use super::{
    Record, RecordKey, RecordKind, SpaceUsage, Store, StoreError, StoreLayer, StoreOperation,
    StoreSpace, tenant_shares::TenantShares,
};
use crate::model::{TenantId, Timestamp};

/// Interval between measurements of the space in use. A measurement is cheap, in contrast to a count of all records.
const MEASURE_INTERVAL: Duration = Duration::from_secs(10);
/// Minimum pause between two counts.
const MIN_PAUSE: Duration = Duration::from_mins(1);
/// The pause after a count, as a multiple of its duration: counts take at most a twentieth of the time.
const PAUSE_FACTOR: u32 = 20;
/// Failed counts in a row after which the last count is too old to refuse records because of it.
const MAX_FAILURES: u32 = 3;
/// A value up to this length, in bytes, can replace another one without a share.
const SMALL_VALUE: usize = 4096;
/// The bytes by which a longer value can grow without a share: enough to end what it describes.
const SMALL_GROWTH: usize = 256;
/// Kinds whose records may grow beyond the tenant's share while the store has free space, up to the limit of the kind.
/// A refused write of a person would keep earlier claims, which may grant more. A refused write of an upstream session
/// would lose the new refresh token, and the stored one is already spent.
const GROWING_KINDS: [RecordKind; 2] = [RecordKind::Person, RecordKind::UpstreamSession];

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
        let is_needed = self.measure().await?;
        if is_needed {
            self.shares().begin_count();
            let count = self.inner.usage_by_tenant().await?;
            self.shares().finish_count(count);
            self.measure().await?;
        }
        Ok(is_needed)
    }

    /// Measures the store. Returns true if more than half of the space is used.
    async fn measure(&self) -> Result<bool, StoreError> {
        let space = self.inner.space().await?;
        Ok(self.shares().set_space(space))
    }

    /// Logs a failure to measure or count. Drops the last count after `MAX_FAILURES` in a row.
    fn refresh_failed(&self, failures: u32, error: &StoreError) {
        if failures < MAX_FAILURES {
            tracing::warn!(%error, "could not count the records of the store by tenant");
        } else if failures == MAX_FAILURES {
            self.shares().drop_count();
            tracing::error!(
                %error, failures,
                "could not count the records of the store by tenant; until a count succeeds, a tenant can use up the \
                 space of the others"
            );
        }
    }

    /// Logs the refusal of a tenant's record, once for each count.
    fn report(&self, tenant: &TenantId, refusal: &StoreError) {
        if self.shares().report(tenant) {
            tracing::warn!(error = %refusal, "refused a record of a tenant");
        }
    }

    /// Decides whether a record may be inserted. The lock of the shares ends with this call.
    fn admit(&self, key: &RecordKey) -> Result<(), StoreError> {
        self.shares().admit(key)
    }

    fn shares(&self) -> MutexGuard<'_, TenantShares> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl StoreLayer for FairStore {
    /// Only writes take space.
    const OBSERVES_GET: bool = false;

    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    async fn before(&self, operation: StoreOperation<'_>) -> Result<(), StoreError> {
        let StoreOperation::Insert(record) = operation else { return Ok(()) };
        self.admit(&record.key).inspect_err(|refusal| self.report(&record.key.tenant, refusal))
    }

    async fn insert_below(&self, record: Record, now: Timestamp) -> Result<bool, StoreError> {
        let tenant = record.key.tenant.clone();
        let length = record.key.id.len().saturating_add(record.value.len());
        let is_inserted = self.inner.insert(record, now).await?;
        if is_inserted {
            self.shares().charge(&tenant, length);
        }
        Ok(is_inserted)
    }

    async fn swap_below(
        &self,
        version: u64,
        record: Record,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let may_grow = || GROWING_KINDS.contains(&record.key.kind) && self.shares().has_reserve();
        // Nearly all updates are small, and look at no share.
        if record.value.len() > SMALL_VALUE
            && !may_grow()
            && let Err(refusal) = self.admit(&record.key)
        {
            let stored = self.inner.get(&record.key, now).await?;
            let before = stored.map_or(usize::MAX, |stored| stored.record.value.len());
            if record.value.len() > before.saturating_add(SMALL_GROWTH) {
                self.report(&record.key.tenant, &refusal);
                return Err(refusal);
            }
        }
        self.inner.compare_and_swap(version, record, now).await
    }
}

/// Keeps the shares of a store current until the future is dropped. After an error the last count stays, but not after
/// several in a row.
pub async fn refresh_shares_regularly(store: Arc<FairStore>) {
    let mut next_count = Instant::now();
    let mut failures = 0;
    loop {
        tokio::time::sleep(MEASURE_INTERVAL).await;
        let started = Instant::now();
        let is_due = started >= next_count;
        let refreshed = if is_due { store.refresh().await } else { store.measure().await };
        match refreshed {
            Ok(false) => (failures, next_count) = (0, started),
            Ok(true) if is_due => {
                failures = 0;
                next_count = Instant::now() + pause_after_count(started.elapsed());
            }
            Err(error) if is_due => {
                failures += 1;
                store.refresh_failed(failures, &error);
                next_count = Instant::now() + pause_after_count(started.elapsed());
            }
            // If the store stays unavailable, the next count reports it.
            Ok(true) | Err(_) => {}
        }
    }
}

/// The pause after a count that took `took`.
fn pause_after_count(took: Duration) -> Duration {
    took.saturating_mul(PAUSE_FACTOR).max(MIN_PAUSE)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

    use super::*;
    use crate::{
        model::{ErrorCause, SeededEntropy},
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
        fails: AtomicBool,
    }

    impl Reporting {
        fn new(used: u64) -> Arc<Self> {
            Arc::new(Self {
                records: MemoryStore::new(&SeededEntropy::new(1), 10_000),
                used: AtomicU64::new(used),
                counts: AtomicUsize::new(0),
                fails: AtomicBool::new(false),
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
            if self.fails.load(Ordering::SeqCst) {
                return Err(StoreError::Unavailable(ErrorCause::new("not countable")));
            }
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
        assert!(matches!(store.insert(record("b"), NOW).await, Err(StoreError::NoSpace { .. })));
        tokio::time::sleep(Duration::from_secs(71)).await;
        assert_eq!(inner.counts.load(Ordering::SeqCst), 2, "a minute later");

        inner.used.store(400, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(inner.counts.load(Ordering::SeqCst), 2);
        assert_eq!(store.insert(record("b"), NOW).await, Ok(true));
        counting.abort();
    }

    #[tokio::test]
    async fn only_records_that_were_inserted_count() {
        let inner = Reporting::new(600);
        let store = FairStore::new(Arc::clone(&inner) as _);
        assert_eq!(store.refresh().await, Ok(true));
        assert_eq!(store.insert(record("a"), NOW).await, Ok(true));
        assert!(store.insert(record("b"), NOW).await.is_err(), "600 + 512 of 1000 are used");

        assert_eq!(store.refresh().await, Ok(true));
        for _ in 0..10 {
            assert_eq!(store.insert(record("a"), NOW).await, Ok(false), "it exists");
        }
        assert_eq!(store.insert(record("b"), NOW).await, Ok(true));
        assert!(store.insert(record("c"), NOW).await.is_err());
        assert_eq!(store.measure().await, Ok(true));
        assert_eq!(store.insert(record("c"), NOW).await, Ok(true), "only 600 are used");
    }

    #[tokio::test]
    async fn a_record_grows_little_without_a_share() {
        let inner = Reporting::new(900);
        let store = FairStore::new(Arc::clone(&inner) as _);
        assert_eq!(store.insert(record("a"), NOW).await, Ok(true));
        assert_eq!(store.refresh().await, Ok(true));
        let key = record("a").key;
        for (length, is_swapped) in [
            (4096, true),
            (4352, true),
            (4353 + 256, false),
            (4352, true),
            (5, true),
            (8192, false),
        ] {
            let stored = store.get(&key, NOW).await.unwrap().unwrap();
            let longer = Record { value: vec![7; length].into(), ..stored.record };
            let swapped = store.compare_and_swap(stored.version, longer, NOW).await;
            assert_eq!(swapped.is_ok(), is_swapped, "{length}: {swapped:?}");
        }
        let mut person = record("a");
        person.key.kind = RecordKind::Person;
        assert_eq!(inner.records.insert(person.clone(), NOW).await, Ok(true));
        let stored = store.get(&person.key, NOW).await.unwrap().unwrap();
        let longer = |length| Record { value: vec![7; length].into(), ..person.clone() };
        assert_eq!(store.compare_and_swap(stored.version, longer(8192), NOW).await, Ok(true));
        inner.used.store(950, Ordering::SeqCst);
        assert_eq!(store.refresh().await, Ok(true));
        let stored = store.get(&person.key, NOW).await.unwrap().unwrap();
        let refused = store.compare_and_swap(stored.version, longer(9000), NOW).await;
        assert!(matches!(refused, Err(StoreError::NoSpace { .. })), "{refused:?}");
        let absent = Record { value: vec![7; 8192].into(), ..record("absent") };
        assert_eq!(store.compare_and_swap(1, absent, NOW).await, Ok(false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_count_is_dropped_after_three_failures() {
        let inner = Reporting::new(900);
        let store = Arc::new(FairStore::new(Arc::clone(&inner) as _));
        let counting = tokio::spawn(refresh_shares_regularly(Arc::clone(&store)));
        tokio::time::sleep(Duration::from_secs(11)).await;
        inner.fails.store(true, Ordering::SeqCst);
        while inner.counts.load(Ordering::SeqCst) < 3 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert!(store.insert(record("a"), NOW).await.is_err(), "after two failures");
        tokio::time::sleep(Duration::from_mins(2)).await;
        assert_eq!(store.insert(record("a"), NOW).await, Ok(true));

        inner.fails.store(false, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_mins(2)).await;
        assert!(store.insert(record("b"), NOW).await.is_err(), "it was counted again");
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
