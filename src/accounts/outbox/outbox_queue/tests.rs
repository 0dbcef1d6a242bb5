use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use tokio::task::JoinSet;

use super::{
    worker::{COUNT_INTERVAL, MAX_CONCURRENT, POLL_INTERVAL, POSTPONE_DURATION, RunningDeliveries},
    *,
};
use crate::{
    model::{ErrorCause, FixedClock, SeededEntropy},
    store::{IndexKind, MAX_LISTED, MemoryStore, Store, StoreLayer, StoreOperation},
};

const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);
const DELAY: Duration = Duration::from_secs(5);

impl OutboxMessage for String {
    const KIND: RecordKind = RecordKind::Logout;
    const TTL: Duration = Duration::from_hours(1);
    const RETRY_DELAYS: &'static [Duration] = &[DELAY, DELAY];
}

/// The stored bytes of a message of which two attempts failed, in hexadecimal.
pub(in crate::accounts) fn stored_bytes<M: OutboxMessage>(message: M) -> String {
    let entry = OutboxEntry { message, failed_attempts: 2, next_attempt_at: NOW };
    encode_record(&entry).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A store that counts its operations, and refuses to replace one record.
#[derive(Debug)]
struct CountingStore {
    inner: MemoryStore,
    refused: &'static str,
    due_lists: AtomicUsize,
    others: AtomicUsize,
}

impl CountingStore {
    fn counts(&self) -> (usize, usize) {
        (self.due_lists.load(Ordering::SeqCst), self.others.load(Ordering::SeqCst))
    }
}

#[async_trait]
impl StoreLayer for CountingStore {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    async fn before(&self, operation: StoreOperation<'_>) -> Result<(), StoreError> {
        match operation {
            StoreOperation::CompareAndSwap(record) if record.key.id == self.refused => {
                return Err(StoreError::Unavailable(ErrorCause::new("refused")));
            }
            StoreOperation::ListDue => self.due_lists.fetch_add(1, Ordering::SeqCst),
            _ => self.others.fetch_add(1, Ordering::SeqCst),
        };
        Ok(())
    }
}

/// A delivery with a set outcome, which records what it was given.
#[derive(Debug, Default)]
struct TestDelivery {
    fails: bool,
    cannot: bool,
    duration: Duration,
    attempts: Mutex<Vec<(String, u32)>>,
    reviewed: AtomicUsize,
}

impl OutboxDelivery for TestDelivery {
    type Message = String;

    fn is_ready(&self) -> bool {
        true
    }

    fn review(&self, entries: &[StoredEntry<String>]) {
        self.reviewed.store(entries.len(), Ordering::SeqCst);
    }

    fn can_deliver(&self, _: &TenantId) -> bool {
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
        tokio::time::sleep(self.duration).await;
        if self.fails { DeliveryOutcome::Failed } else { DeliveryOutcome::Done }
    }
}

/// A clock that follows the paused time of the runtime.
#[derive(Debug)]
struct RuntimeClock(tokio::time::Instant, Timestamp);

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        self.1.plus(self.0.elapsed())
    }
}

fn runtime_clock() -> Arc<dyn Clock> {
    Arc::new(RuntimeClock(tokio::time::Instant::now(), NOW))
}

/// The attempts of one replica.
struct Replica {
    attempts: RunningDeliveries<TestDelivery>,
    delivery: Arc<TestDelivery>,
}

impl Replica {
    async fn attempt(&self, claim: &ClaimedMessage) {
        self.attempts.worker.attempt(claim).await.unwrap();
    }

    /// Looks for due messages, and returns the attempted ones.
    async fn start_due_messages(&self) -> Vec<String> {
        self.attempts.start_due_messages().await.unwrap();
        let mut running = std::mem::take(&mut *self.attempts.running.lock().unwrap());
        while running.join_next().await.is_some() {}
        self.attempted()
    }

    /// The messages that were attempted since the last call.
    fn attempted(&self) -> Vec<String> {
        self.delivery.attempts.lock().unwrap().drain(..).map(|(id, _)| id).collect()
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
            refused: "refused",
            due_lists: AtomicUsize::new(0),
            others: AtomicUsize::new(0),
        });
        Self { store: Arc::clone(&counting) as _, counting, queue: OutboxQueue::default() }
    }

    /// Stores a message that is due `CLAIM_DURATION` after `now`.
    async fn put(&self, id: &str, now: Timestamp) -> ClaimedMessage {
        let owner = IndexEntry::new(IndexKind::Client, "app");
        let now = OutboxTimes { own: now, store: now };
        put_message(&self.store, key(id), (id.to_owned(), owner), now).await.unwrap().expect("new")
    }

    /// Stores a message that is due now.
    async fn put_due(&self, id: &str) {
        self.put(id, NOW.minus(CLAIM_DURATION)).await;
    }

    async fn entry(&self, id: &str) -> OutboxEntry<String> {
        let stored = self.store.get(&key(id), NOW).await.unwrap().unwrap();
        StoredEntry::read(stored).unwrap().entry
    }

    fn worker(
        &self,
        delivery: &Arc<TestDelivery>,
        clock: Arc<dyn Clock>,
    ) -> OutboxWorker<TestDelivery> {
        let store_clock = Arc::new(StoreClock::new(Arc::clone(&clock)));
        OutboxWorker::new(Arc::clone(delivery), Arc::clone(&self.store), clock, store_clock)
    }

    fn replica(&self, delivery: TestDelivery, clock: Arc<dyn Clock>) -> Replica {
        let delivery = Arc::new(delivery);
        let worker = Arc::new(self.worker(&delivery, clock));
        Replica {
            attempts: RunningDeliveries { worker, running: Mutex::new(JoinSet::new()) },
            delivery,
        }
    }

    /// Runs a worker for some time.
    async fn run(&self, delivery: &Arc<TestDelivery>, duration: Duration) {
        let running = self.worker(delivery, runtime_clock()).run(&self.queue);
        let running = tokio::time::timeout(duration, running);
        assert!(running.await.is_err(), "it runs until the process ends");
    }
}

fn key(id: &str) -> RecordKey {
    RecordKey::new(RecordKind::Logout, &TenantId::new("team", "main"), id)
}

fn at(now: Timestamp) -> Arc<dyn Clock> {
    Arc::new(FixedClock::at(now))
}

#[tokio::test(start_paused = true)]
async fn looking_for_due_messages_is_one_query() {
    let world = World::new();
    let delivery = Arc::new(TestDelivery::default());
    let minute = POLL_INTERVAL * 11 + POLL_INTERVAL / 2;
    assert!(minute < COUNT_INTERVAL);
    world.run(&delivery, minute).await;
    assert_eq!(world.counting.counts(), (12 + 1, 0), "the looks, and one count");
}

#[tokio::test(start_paused = true)]
async fn a_message_is_attempted_at_once_and_removed_when_delivered() {
    let world = World::new();
    world.queue.push(world.put("a", NOW).await);
    let delivery = Arc::new(TestDelivery::default());
    world.run(&delivery, Duration::from_millis(1)).await;
    assert_eq!(*delivery.attempts.lock().unwrap(), [("a".to_owned(), 0)]);
    assert_eq!(world.store.get(&key("a"), NOW).await, Ok(None));
}

#[tokio::test]
async fn a_message_with_an_existing_key_is_not_stored() {
    let world = World::new();
    world.put("a", NOW).await;
    let owner = IndexEntry::new(IndexKind::Client, "app");
    let now = OutboxTimes { own: NOW, store: NOW };
    let second = put_message(&world.store, key("a"), ("second".to_owned(), owner), now).await;
    assert_eq!(second, Ok(None));
}

#[tokio::test]
async fn a_due_message_is_attempted_once_for_each_claim() {
    let world = World::new();
    world.put("a", NOW).await;
    let failing = || TestDelivery { fails: true, ..TestDelivery::default() };
    assert!(
        world.replica(failing(), at(NOW)).start_due_messages().await.is_empty(),
        "claimed by the writer"
    );
    let later = at(NOW.plus(CLAIM_DURATION));
    let (first, second) =
        (world.replica(failing(), Arc::clone(&later)), world.replica(failing(), later));
    assert_eq!(first.start_due_messages().await, ["a"]);
    assert!(second.start_due_messages().await.is_empty());
}

#[tokio::test]
async fn a_claim_that_has_ended_is_not_used() {
    let world = World::new();
    let first = world.put("a", NOW).await;
    let late = world.replica(TestDelivery::default(), at(NOW.plus(CLAIM_DURATION)));
    late.attempt(&first).await;
    assert!(late.attempted().is_empty(), "it has ended");
    let stored = world.store.get(&key("a"), NOW).await.unwrap().unwrap();
    let stored = StoredEntry::<String>::read(stored).unwrap();
    let moment = OutboxTimes { own: NOW, store: NOW.plus(Duration::from_secs(1)) };
    let second = stored.claim(&world.store, moment).await.unwrap().expect("claimed");
    let replica = world.replica(TestDelivery::default(), at(NOW));
    replica.attempt(&first).await;
    assert!(replica.attempted().is_empty(), "the message was claimed again");
    replica.attempt(&second).await;
    assert_eq!(replica.attempted(), ["a"]);
}

/// Sending all of them takes longer than a claim.
#[tokio::test(start_paused = true)]
async fn more_due_messages_than_slots_are_each_attempted_once() {
    let world = World::new();
    let count = 10 * MAX_CONCURRENT;
    for n in 0..count {
        if n % 2 == 0 {
            world.put_due(&n.to_string()).await;
        } else {
            world.queue.push(world.put(&n.to_string(), NOW).await);
        }
    }
    let delivery = TestDelivery { duration: Duration::from_secs(9), ..TestDelivery::default() };
    let delivery = Arc::new(delivery);
    world.run(&delivery, Duration::from_mins(3)).await;
    let mut attempts = delivery.attempts.lock().unwrap().clone();
    assert_eq!(attempts.len(), count);
    attempts.sort();
    attempts.dedup();
    assert_eq!(attempts.len(), count);
}

#[tokio::test(start_paused = true)]
async fn a_new_message_does_not_wait_for_due_ones() {
    let world = World::new();
    for n in 0..3 * MAX_LISTED {
        world.put_due(&n.to_string()).await;
    }
    let delivery = TestDelivery { duration: Duration::from_secs(9), ..TestDelivery::default() };
    let delivery = Arc::new(delivery);
    world.queue.push(world.put("new", NOW).await);
    world.run(&delivery, Duration::from_secs(10)).await;
    let attempts = delivery.attempts.lock().unwrap();
    assert!(attempts.iter().any(|(id, _)| id == "new"), "{}", attempts.len());
}

#[tokio::test]
async fn replicas_compare_claims_by_the_stores_clock() {
    let world = World::new();
    let ahead = Duration::from_secs(30);
    let replica = world.replica(TestDelivery::default(), at(NOW.plus(ahead)));
    replica.attempts.worker.measured(30_000);
    world.put("a", NOW).await;
    assert!(replica.start_due_messages().await.is_empty(), "the claim of the writer has not ended");
    world.put_due("b").await;
    let failing = TestDelivery { fails: true, ..TestDelivery::default() };
    let failing = world.replica(failing, at(NOW.plus(ahead)));
    failing.attempts.worker.measured(30_000);
    assert_eq!(failing.start_due_messages().await, ["b"]);
    assert_eq!(world.entry("b").await.next_attempt_at, NOW.plus(DELAY));
}

#[tokio::test]
async fn a_message_of_a_tenant_that_is_not_served_is_postponed() {
    let world = World::new();
    world.put_due("a").await;
    let before = world.entry("a").await;
    let cannot = TestDelivery { cannot: true, ..TestDelivery::default() };
    assert!(world.replica(cannot, at(NOW)).start_due_messages().await.is_empty());
    assert_eq!(world.entry("a").await, before, "it has not failed");
    let can = world.replica(TestDelivery::default(), at(NOW));
    assert!(can.start_due_messages().await.is_empty());
    let later = at(NOW.plus(POSTPONE_DURATION));
    assert_eq!(world.replica(TestDelivery::default(), later).start_due_messages().await, ["a"]);
}

#[tokio::test]
async fn one_bad_record_does_not_stop_a_look() {
    let world = World::new();
    world.put_due("refused").await;
    world.put_due("unreadable").await;
    let stored = world.store.get(&key("unreadable"), NOW).await.unwrap().unwrap();
    let unreadable = Record { value: vec![255].into(), ..stored.record };
    let before = unreadable.value.clone();
    assert_eq!(world.store.compare_and_swap(stored.version, unreadable, NOW).await, Ok(true));
    world.put_due("well").await;
    let replica = world.replica(TestDelivery::default(), at(NOW));
    assert_eq!(replica.start_due_messages().await, ["well"]);
    let stored = world.store.get(&key("unreadable"), NOW).await.unwrap().unwrap();
    assert_eq!(stored.record.value, before);
    assert_eq!(stored.record.due_at, Some(NOW.plus(POSTPONE_DURATION)));
}

#[tokio::test]
async fn failed_attempts_are_repeated_until_the_message_is_given_up() {
    let world = World::new();
    let mut claim = world.put("a", NOW).await;
    let failing = TestDelivery { fails: true, ..TestDelivery::default() };
    let replica = world.replica(failing, at(NOW));
    let given_up = String::TTL + CLOCK_SKEW;
    for (failed_attempts, wait) in [(1, DELAY), (2, DELAY), (3, given_up)] {
        replica.attempt(&claim).await;
        let entry = world.entry("a").await;
        assert_eq!(entry.failed_attempts, failed_attempts);
        assert_eq!(entry.next_attempt_at, NOW.plus(wait));
        if failed_attempts < 3 {
            let stored = world.store.get(&key("a"), NOW).await.unwrap().unwrap();
            let stored = StoredEntry::<String>::read(stored).unwrap();
            let now = OutboxTimes { own: NOW, store: NOW };
            claim = stored.claim(&world.store, now).await.unwrap().expect("claimed");
        }
    }
    assert_eq!(replica.attempted().len(), 3);
    let just_before = NOW.plus(String::TTL).minus(Duration::from_millis(1));
    let late = world.replica(TestDelivery::default(), at(just_before));
    assert!(late.start_due_messages().await.is_empty());
    let counted = late.attempts.worker.entries().await.unwrap();
    assert_eq!(counted.len(), 1, "it can still be counted");
}

#[tokio::test]
async fn a_stale_due_time_is_corrected_without_an_attempt() {
    let world = World::new();
    world.put("a", NOW).await;
    let stored = world.store.get(&key("a"), NOW).await.unwrap().unwrap();
    let stale = Record { due_at: Some(NOW), ..stored.record.clone() };
    assert_eq!(world.store.compare_and_swap(stored.version, stale, NOW).await, Ok(true));
    assert!(world.replica(TestDelivery::default(), at(NOW)).start_due_messages().await.is_empty());
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
    let replica = world.replica(TestDelivery::default(), at(NOW));
    let entries = replica.attempts.worker.entries().await.unwrap();
    assert_eq!(entries.len(), count);
    assert!(entries.is_sorted_by_key(|stored| stored.entry.next_attempt_at));
    assert_eq!(world.counting.counts().0, 3);
}

#[tokio::test]
async fn many_messages_with_one_due_time_are_all_read_and_attempted() {
    let world = World::new();
    let count = 2 * MAX_LISTED + 500;
    for n in 0..count {
        world.put_due(&n.to_string()).await;
    }
    let replica = world.replica(TestDelivery::default(), at(NOW));
    assert_eq!(replica.attempts.worker.entries().await.unwrap().len(), count);
    assert_eq!(replica.start_due_messages().await.len(), count);
    assert!(replica.start_due_messages().await.is_empty());
}
