//! Attempts the messages of an outbox: those that this process has stored at once, and those that
//! are due in the store.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc::UnboundedReceiver},
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::{
    ClaimedMessage, DeliveryOutcome, DeliveryProgress, OutboxDelivery, OutboxMessage, OutboxQueue,
    OutboxTimes, StoredEntry,
};
use crate::{
    model::{Clock, Timestamp},
    store::{
        MAX_LISTED, Record, RecordKey, RecordKind, SharedStore, StoreClock, StoreError,
        VersionedRecord,
    },
};

/// Interval at which a replica looks for due messages.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// How long a replica waits for an attempt of its own that changes the count of messages, before it
/// counts them anyway.
pub(super) const COUNT_INTERVAL: Duration = Duration::from_mins(1);
/// Messages that a count reads, the earliest due first.
const MAX_COUNTED: usize = 10 * MAX_LISTED;
/// Messages that are sent concurrently.
pub(super) const MAX_CONCURRENT: usize = 64;
/// The delay of a message that this replica cannot attempt: it cannot read it, or does not serve
/// its tenant.
pub(super) const POSTPONE_DURATION: Duration = Duration::from_mins(1);
/// The first and the last due time.
const FIRST: Timestamp = Timestamp::from_millis(0);
const LAST: Timestamp = Timestamp::from_millis(i64::MAX);

/// The worker of one kind of message.
pub(in crate::accounts) struct OutboxWorker<D> {
    delivery: Arc<D>,
    store: SharedStore,
    clock: Arc<dyn Clock>,
    store_clock: Arc<StoreClock>,
    /// A permit for each attempt.
    slots: Arc<Semaphore>,
    /// Notified when an attempt has changed the count of failures.
    count_changed: Notify,
}

impl<D: OutboxDelivery> OutboxWorker<D> {
    /// A worker with all slots free.
    pub(in crate::accounts) fn new(
        delivery: Arc<D>,
        store: SharedStore,
        clock: Arc<dyn Clock>,
        store_clock: Arc<StoreClock>,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(MAX_CONCURRENT));
        Self { delivery, store, clock, store_clock, slots, count_changed: Notify::new() }
    }

    /// Attempts messages until the process ends. New messages do not wait for the store to be
    /// searched.
    pub(in crate::accounts) async fn run(self, queue: &OutboxQueue) {
        let Some(queued) = queue.receiver() else { return };
        let worker = Arc::new(self);
        let attempts = RunningDeliveries { worker: Arc::clone(&worker), running: Mutex::default() };
        tokio::join!(attempts.start_queued(queued), attempts.start_due(), worker.count());
    }

    /// Sets how far the replica's own clock is ahead of the store's.
    #[cfg(test)]
    pub(super) fn measured(&self, ahead_millis: i64) {
        self.store_clock.measured(ahead_millis);
    }

    fn now(&self) -> OutboxTimes {
        OutboxTimes::now(&*self.clock, &self.store_clock)
    }

    /// Attempts a claimed message, unless the claim has ended.
    pub(super) async fn attempt(&self, claim: &ClaimedMessage) -> Result<(), StoreError> {
        let now = self.now();
        if !claim.is_usable(now) {
            return Ok(());
        }
        let stored = self.store.get(&claim.key, now.own).await?.and_then(StoredEntry::read);
        let Some(stored) = stored.filter(|it| it.entry.next_attempt_at == claim.ends_at) else {
            return Ok(());
        };
        match self.delivery.deliver(&claim.key.tenant, &stored.entry, now.own).await {
            DeliveryOutcome::Done => {
                self.store.take(&claim.key, now.own).await?;
                if stored.entry.failed_attempts > 0 {
                    self.count_changed.notify_one();
                }
            }
            DeliveryOutcome::Failed => {
                stored.fail(&self.store, now).await?;
                self.count_changed.notify_one();
            }
            DeliveryOutcome::Postponed => {}
        }
        Ok(())
    }

    /// Returns the entry of a due record, if it can be claimed. Otherwise its due time is moved, so
    /// that it does not hide other messages.
    pub(super) async fn check_due(
        &self,
        stored: VersionedRecord,
    ) -> Result<Option<StoredEntry<D::Message>>, StoreError> {
        let now = self.now();
        let Some(entry) = StoredEntry::<D::Message>::read(stored.clone()) else {
            return self.postpone(stored, now).await;
        };
        if entry.entry.progress() == DeliveryProgress::GivenUp {
            return Ok(None);
        }
        if entry.entry.next_attempt_at > now.store {
            // An earlier release has replaced the record, but not its due time.
            entry.replace(&self.store, &entry.entry, now).await?;
            return Ok(None);
        }
        if self.delivery.can_deliver(&entry.key().tenant) {
            return Ok(Some(entry));
        }
        self.postpone(stored, now).await
    }

    async fn postpone<T>(
        &self,
        stored: VersionedRecord,
        now: OutboxTimes,
    ) -> Result<Option<T>, StoreError> {
        let due_at = Some(now.store.plus(POSTPONE_DURATION));
        let record = Record { due_at, ..stored.record };
        self.store.compare_and_swap(stored.version, record, now.own).await?;
        Ok(None)
    }

    /// Counts the messages for the delivery, until the process ends.
    async fn count(&self) {
        loop {
            match self.entries().await {
                Ok(entries) => self.delivery.review(&entries),
                Err(error) => log_failure(D::Message::KIND, None, &error),
            }
            let _ = timeout(COUNT_INTERVAL, self.count_changed.notified()).await;
            // Attempts that end together are counted together.
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Reads the entries, the earliest due first.
    pub(super) async fn entries(&self) -> Result<Vec<StoredEntry<D::Message>>, StoreError> {
        let (mut pages, mut entries) = (DuePages::until(LAST), Vec::new());
        while entries.len() < MAX_COUNTED
            && let Some(page) = pages.next::<D::Message>(&self.store, self.clock.now()).await?
        {
            entries.extend(page.into_iter().filter_map(StoredEntry::read));
        }
        Ok(entries)
    }
}

/// Logs an error of the store. The next search for due messages tries again. `message`: the key of the message, if the
/// error concerns a single message.
fn log_failure(kind: RecordKind, message: Option<&RecordKey>, error: &StoreError) {
    let record = message.map(tracing::field::display);
    tracing::warn!(record_kind = %kind, record, %error, "could not process the outbox");
}

/// The running deliveries of a worker. Dropping this value aborts them.
pub(super) struct RunningDeliveries<D> {
    pub(super) worker: Arc<OutboxWorker<D>>,
    pub(super) running: Mutex<JoinSet<()>>,
}

impl<D: OutboxDelivery> RunningDeliveries<D> {
    async fn start_queued(&self, mut queued: UnboundedReceiver<ClaimedMessage>) {
        while let Some(claim) = queued.recv().await {
            let slot = self.slot().await;
            self.start(claim, slot);
        }
    }

    async fn start_due(&self) {
        let mut look = interval(POLL_INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            if self.worker.delivery.is_ready()
                && let Err(error) = self.start_due_messages().await
            {
                log_failure(D::Message::KIND, None, &error);
            }
        }
    }

    /// Starts the messages that are due. Each is claimed when a slot is free for it.
    pub(super) async fn start_due_messages(&self) -> Result<(), StoreError> {
        let OutboxTimes { own, store } = self.worker.now();
        let mut pages = DuePages::until(store);
        while let Some(page) = pages.next::<D::Message>(&self.worker.store, own).await? {
            for stored in page {
                let key = stored.record.key.clone();
                if let Err(error) = self.start_one(stored).await {
                    log_failure(key.kind, Some(&key), &error);
                }
            }
        }
        Ok(())
    }

    async fn start_one(&self, stored: VersionedRecord) -> Result<(), StoreError> {
        let Some(entry) = self.worker.check_due(stored).await? else { return Ok(()) };
        let slot = self.slot().await;
        if let Some(claim) = entry.claim(&self.worker.store, self.worker.now()).await? {
            self.start(claim, slot);
        }
        Ok(())
    }

    async fn slot(&self) -> OwnedSemaphorePermit {
        let slots = Arc::clone(&self.worker.slots);
        slots.acquire_owned().await.expect("the semaphore is never closed")
    }

    fn start(&self, claim: ClaimedMessage, slot: OwnedSemaphorePermit) {
        let worker = Arc::clone(&self.worker);
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while running.try_join_next().is_some() {}
        running.spawn(async move {
            let _slot = slot;
            if let Err(error) = worker.attempt(&claim).await {
                log_failure(claim.key.kind, Some(&claim.key), &error);
            }
        });
    }
}

/// The pages of records that are due, the earliest first. Each record is returned once. A page of
/// damaged records, which the store skips, ends the pages early; processed records are no longer due, so
/// the next look continues after it.
struct DuePages {
    from: Timestamp,
    until: Timestamp,
    limit: usize,
    is_last: bool,
    seen: HashSet<RecordKey>,
}

impl DuePages {
    fn until(until: Timestamp) -> Self {
        Self { from: FIRST, until, limit: MAX_LISTED, is_last: false, seen: HashSet::new() }
    }

    /// Reads the next page of due records; `None` after the last page.
    async fn next<M: OutboxMessage>(
        &mut self,
        store: &SharedStore,
        now: Timestamp,
    ) -> Result<Option<Vec<VersionedRecord>>, StoreError> {
        if self.is_last {
            return Ok(None);
        }
        let due = store.list_due(M::KIND, self.from..=self.until, self.limit, now).await?;
        self.is_last = !due.may_be_cut_off(self.limit);
        let mut page = due.records;
        let last_due = page.last().and_then(|last| last.record.due_at).unwrap_or(self.until);
        // More records may have the last due time of the page. A page of one due time, which the
        // next page would repeat, is followed by a longer one.
        self.limit = if last_due > self.from { MAX_LISTED } else { 2 * self.limit };
        self.from = last_due;
        page.retain(|stored| self.seen.insert(stored.record.key.clone()));
        Ok(Some(page))
    }
}
