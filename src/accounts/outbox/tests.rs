use std::{
    ops::RangeInclusive,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;

use super::*;
use crate::{
    model::{FixedClock, SeededEntropy},
    store::{MemoryStore, OwnerKind, Store, StoreState},
};

const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);
const DELAY: Duration = Duration::from_secs(5);

impl OutboxMessage for String {
    const KIND: RecordKind = RecordKind::Logout;
    const TTL: Duration = Duration::from_hours(1);

    fn retry_delay(failed_attempts: u32) -> Option<Duration> {
        (failed_attempts < 3).then_some(DELAY)
    }
}

/// A store that counts its operations.
#[derive(Debug)]
struct CountingStore {
    inner: MemoryStore,
    due_lists: AtomicUsize,
    others: AtomicUsize,
}

impl CountingStore {
    fn other(&self) -> &MemoryStore {
        self.others.fetch_add(1, Ordering::SeqCst);
        &self.inner
    }

    fn counts(&self) -> (usize, usize) {
        (self.due_lists.load(Ordering::SeqCst), self.others.load(Ordering::SeqCst))
    }
}

#[async_trait]
impl Store for CountingStore {
    async fn insert(&self, record: Record, now: Timestamp) -> Result<bool, StoreError> {
        self.other().insert(record, now).await
    }
    async fn get(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError> {
        self.other().get(key, now).await
    }
    async fn take(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError> {
        self.other().take(key, now).await
    }
    async fn compare_and_swap(
        &self,
        version: u64,
        record: Record,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.other().compare_and_swap(version, record, now).await
    }
    async fn list(
        &self,
        kind: RecordKind,
        tenant: &TenantId,
        owner: &IndexEntry,
        now: Timestamp,
    ) -> Result<Vec<VersionedRecord>, StoreError> {
        self.other().list(kind, tenant, owner, now).await
    }
    async fn list_due(
        &self,
        kind: RecordKind,
        due: RangeInclusive<Timestamp>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<VersionedRecord>, StoreError> {
        self.due_lists.fetch_add(1, Ordering::SeqCst);
        self.inner.list_due(kind, due, limit, now).await
    }
    async fn purge(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        self.other().purge(limit, now).await
    }
    async fn state(&self) -> Result<StoreState, StoreError> {
        self.other().state().await
    }
}

/// A delivery with a set outcome, which records what it was given.
#[derive(Debug, Default)]
struct TestDelivery {
    fails: bool,
    cannot: bool,
    attempts: Mutex<Vec<(String, u32)>>,
    reviewed: AtomicUsize,
}

impl OutboxDelivery for TestDelivery {
    type Message = String;

    fn review(&self, entries: &[StoredEntry<String>]) {
        self.reviewed.store(entries.len(), Ordering::SeqCst);
    }

    fn can_deliver(&self, _: &TenantId, _: &String) -> bool {
        !self.cannot
    }

    async fn deliver(
        &self,
        _: &TenantId,
        entry: &OutboxEntry<String>,
        _: Timestamp,
    ) -> DeliveryOutcome {
        let attempt = (entry.message.clone(), entry.failed_attempts);
        self.attempts.lock().unwrap().push(attempt);
        if self.fails { DeliveryOutcome::Failed } else { DeliveryOutcome::Done }
    }
}

struct World {
    counting: Arc<CountingStore>,
    store: SharedStore,
    queue: OutboxQueue,
}

impl World {
    fn new() -> Self {
        let counting = Arc::new(CountingStore {
            inner: MemoryStore::new(&SeededEntropy::new(1), 10_000),
            due_lists: AtomicUsize::new(0),
            others: AtomicUsize::new(0),
        });
        Self { store: Arc::clone(&counting) as _, counting, queue: OutboxQueue::default() }
    }

    async fn put(&self, id: &str, now: Timestamp) {
        let owner = IndexEntry::new(OwnerKind::Client, "app");
        self.queue.put(&self.store, key(id), (id.to_owned(), owner), now).await.unwrap();
    }

    async fn entry(&self, id: &str) -> OutboxEntry<String> {
        let stored = self.store.get(&key(id), NOW).await.unwrap().unwrap();
        StoredEntry::read(stored).unwrap().entry
    }
}

fn key(id: &str) -> RecordKey {
    RecordKey::new(RecordKind::Logout, &TenantId::new("team", "main"), id)
}

#[tokio::test(start_paused = true)]
async fn looking_for_due_messages_is_one_query() {
    let world = World::new();
    let delivery = Arc::new(TestDelivery::default());
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::at(NOW));
    let running = run(Arc::clone(&delivery), &world.queue, &world.store, &clock);
    let minute = tokio::time::timeout(POLL_INTERVAL * 11 + POLL_INTERVAL / 2, running);
    assert!(minute.await.is_err(), "it runs until the process ends");
    assert_eq!(world.counting.counts(), (12, 0));
}

#[tokio::test(start_paused = true)]
async fn a_message_is_attempted_at_once_and_removed_when_delivered() {
    let world = World::new();
    world.put("a", NOW).await;
    let delivery = Arc::new(TestDelivery::default());
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::at(NOW));
    let running = run(Arc::clone(&delivery), &world.queue, &world.store, &clock);
    let _ = tokio::time::timeout(Duration::from_millis(1), running).await;
    assert_eq!(*delivery.attempts.lock().unwrap(), [("a".to_owned(), 0)]);
    assert_eq!(world.store.get(&key("a"), NOW).await, Ok(None));
}

#[tokio::test]
async fn a_due_message_is_claimed_by_one_replica() {
    let world = World::new();
    world.put("a", NOW).await;
    let delivery = TestDelivery::default();
    let claim = async |now| claim_due(&delivery, &world.store, now).await.unwrap();
    assert!(claim(NOW).await.is_empty(), "the replica that stored it has claimed it");
    let later = NOW.plus(CLAIM_DURATION);
    assert_eq!(claim(later).await, [key("a")]);
    assert!(claim(later).await.is_empty());
    assert_eq!(claim(later.plus(CLAIM_DURATION)).await, [key("a")], "a claim ends");
    assert_eq!(delivery.reviewed.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_message_that_cannot_be_attempted_is_left_as_it_is() {
    let world = World::new();
    world.put("a", NOW).await;
    let delivery = TestDelivery { cannot: true, ..TestDelivery::default() };
    let before = world.store.get(&key("a"), NOW).await;
    let later = NOW.plus(CLAIM_DURATION);
    assert_eq!(claim_due(&delivery, &world.store, later).await, Ok(Vec::new()));
    assert_eq!(world.store.get(&key("a"), NOW).await, before);
}

#[tokio::test]
async fn failed_attempts_are_repeated_until_the_message_is_given_up() {
    let world = World::new();
    world.put("a", NOW).await;
    let delivery = TestDelivery { fails: true, ..TestDelivery::default() };
    for (failed_attempts, wait) in [(1, DELAY), (2, DELAY), (3, String::TTL)] {
        attempt(&delivery, &world.store, &key("a"), NOW).await.unwrap();
        let entry = world.entry("a").await;
        assert_eq!(entry.failed_attempts, failed_attempts);
        assert_eq!(entry.next_attempt_at, NOW.plus(wait));
    }
    let just_before = NOW.plus(String::TTL).minus(Duration::from_millis(1));
    assert_eq!(claim_due(&delivery, &world.store, just_before).await, Ok(Vec::new()));
    assert_eq!(delivery.reviewed.load(Ordering::SeqCst), 1, "it can still be counted");
}

#[tokio::test]
async fn a_stale_due_time_is_corrected_without_an_attempt() {
    let world = World::new();
    world.put("a", NOW).await;
    let stored = world.store.get(&key("a"), NOW).await.unwrap().unwrap();
    let stale = Record { due_at: Some(NOW), ..stored.record.clone() };
    assert_eq!(world.store.compare_and_swap(stored.version, stale, NOW).await, Ok(true));
    let delivery = TestDelivery::default();
    assert_eq!(claim_due(&delivery, &world.store, NOW).await, Ok(Vec::new()));
    assert_eq!(world.store.get(&key("a"), NOW).await.unwrap().unwrap().record, stored.record);
}

#[tokio::test]
async fn more_messages_than_a_query_returns_are_all_read() {
    let world = World::new();
    let count = 2 * MAX_LISTED + 500;
    for n in 0..count {
        let pair = Duration::from_millis(u64::try_from(n / 2).unwrap());
        world.put(&n.to_string(), NOW.plus(pair)).await;
    }
    let entries = all::<String>(&world.store, NOW).await.unwrap();
    assert_eq!(entries.len(), count);
    assert!(entries.is_sorted_by_key(|stored| stored.entry.next_attempt_at));
    assert_eq!(world.counting.counts().0, 3);
}
