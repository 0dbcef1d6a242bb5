//! Messages to other servers that are stored until they are delivered, so a restart loses none
//! (docs/adr/0023-messages-are-delivered-from-an-outbox.md).
//!
//! A message is a record whose due time is that of its next attempt. The replica that stores a
//! message attempts it at once. Every replica looks for due messages, and claims one by moving its
//! due time. Looking is one store query, whatever the number of tenants and clients.
//!
//! Must not: know what is delivered, or to whom.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{
    sync::{
        Semaphore,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    },
    task::JoinSet,
    time::MissedTickBehavior,
};

use crate::{
    model::{Clock, TenantId, Timestamp},
    protocol::records::{RecordFormat, decode, encode},
    store::{
        IndexEntry, MAX_LISTED, Record, RecordKey, RecordKind, SharedStore, StoreError,
        VersionedRecord,
    },
};

/// Interval at which a replica looks for due messages.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// How long a claimed message is left to the replica that claimed it.
const CLAIM_DURATION: Duration = Duration::from_secs(30);
/// Messages that are sent concurrently.
const MAX_CONCURRENT: usize = 64;
/// The first and the last due time.
const ALWAYS: (Timestamp, Timestamp) =
    (Timestamp::from_millis(0), Timestamp::from_millis(i64::MAX));

/// A kind of message.
pub(super) trait OutboxMessage:
    Clone + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The kind of the messages' records.
    const KIND: RecordKind;
    /// Lifetime of a message that cannot be delivered.
    const TTL: Duration;

    /// The delay until the next attempt, given how many have failed. `None` after the last one.
    fn retry_delay(failed_attempts: u32) -> Option<Duration>;
}

/// A stored message with the state of its delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "M: OutboxMessage")]
pub(super) struct OutboxEntry<M> {
    /// The message.
    pub(super) message: M,
    /// How many attempts have failed.
    pub(super) failed_attempts: u32,
    /// When the next attempt is due. A claim moves it. It is the due time of the record too.
    pub(super) next_attempt_at: Timestamp,
}

impl<M: OutboxMessage> RecordFormat for OutboxEntry<M> {}

/// An entry as read from the store.
#[derive(Clone, Debug)]
pub(super) struct StoredEntry<M> {
    /// The entry.
    pub(super) entry: OutboxEntry<M>,
    stored: VersionedRecord,
}

impl<M: OutboxMessage> StoredEntry<M> {
    /// Decodes a record; `None` if only a newer release can read it.
    pub(super) fn read(stored: VersionedRecord) -> Option<Self> {
        let entry = decode(&stored.record.value).ok()?;
        Some(Self { entry, stored })
    }

    /// The tenant that the message belongs to.
    pub(super) fn tenant(&self) -> &TenantId {
        &self.stored.record.key.tenant
    }

    /// Returns true if the store lists the record by the time of its next attempt. A replica of an
    /// earlier release, which knows no due times, may have written it last.
    pub(super) fn is_scheduled(&self) -> bool {
        self.stored.record.due_at == Some(self.entry.next_attempt_at)
    }

    /// Replaces the entry and moves its due time. Returns `false` if another replica was faster.
    pub(super) async fn replace(
        &self,
        store: &SharedStore,
        entry: &OutboxEntry<M>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let record = Record {
            value: encode(entry).into(),
            due_at: Some(entry.next_attempt_at),
            ..self.stored.record.clone()
        };
        store.compare_and_swap(self.stored.version, record, now).await
    }

    async fn claim(&self, store: &SharedStore, now: Timestamp) -> Result<bool, StoreError> {
        let next_attempt_at = now.plus(CLAIM_DURATION);
        self.replace(store, &OutboxEntry { next_attempt_at, ..self.entry.clone() }, now).await
    }

    /// Records a failed attempt. A message that is given up remains until it expires, so every
    /// replica can count it.
    async fn fail(&self, store: &SharedStore, now: Timestamp) -> Result<(), StoreError> {
        let failed_attempts = self.entry.failed_attempts + 1;
        let delay = M::retry_delay(failed_attempts);
        let next_attempt_at = delay.map_or(self.stored.record.expires_at, |it| now.plus(it));
        let message = self.entry.message.clone();
        let entry = OutboxEntry { message, failed_attempts, next_attempt_at };
        self.replace(store, &entry, now).await.map(drop)
    }
}

/// The queue from the writers of messages to the delivery in this process.
#[derive(Debug)]
pub(super) struct OutboxQueue {
    send: UnboundedSender<RecordKey>,
    receive: Mutex<Option<UnboundedReceiver<RecordKey>>>,
}

impl Default for OutboxQueue {
    fn default() -> Self {
        let (send, receive) = unbounded_channel();
        Self { send, receive: Mutex::new(Some(receive)) }
    }
}

impl OutboxQueue {
    /// Stores a message, claimed by this replica, and queues it.
    pub(super) async fn put<M: OutboxMessage>(
        &self,
        store: &SharedStore,
        key: RecordKey,
        (message, owner): (M, IndexEntry),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let next_attempt_at = now.plus(CLAIM_DURATION);
        let entry = OutboxEntry { message, failed_attempts: 0, next_attempt_at };
        let record = Record {
            key: key.clone(),
            value: encode(&entry).into(),
            expires_at: now.plus(M::TTL),
            owners: vec![owner],
            due_at: Some(next_attempt_at),
        };
        store.insert(record, now).await?;
        // Sending fails only while the process stops; another replica then finds the record.
        let _ = self.send.send(key);
        Ok(())
    }
}

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeliveryOutcome {
    /// The message was delivered, or there is no longer anyone to deliver it to.
    Done,
    /// The attempt failed.
    Failed,
    /// The message cannot be attempted yet. It is due again when its claim ends.
    Postponed,
}

/// The delivery of one kind of message.
pub(super) trait OutboxDelivery: Send + Sync + 'static {
    /// The kind of message.
    type Message: OutboxMessage;

    /// Receives all entries whenever the replica has looked for due ones.
    fn review(&self, entries: &[StoredEntry<Self::Message>]);

    /// Returns true if the message can be attempted now.
    fn can_deliver(&self, tenant: &TenantId, message: &Self::Message) -> bool;

    /// Attempts to deliver a message.
    fn deliver(
        &self,
        tenant: &TenantId,
        entry: &OutboxEntry<Self::Message>,
        now: Timestamp,
    ) -> impl Future<Output = DeliveryOutcome> + Send;
}

/// Delivers messages until the process ends.
pub(super) async fn run<D: OutboxDelivery>(
    delivery: Arc<D>,
    queue: &OutboxQueue,
    store: &SharedStore,
    clock: &Arc<dyn Clock>,
) {
    let queued = queue.receive.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(mut queued) = queued else { return };
    let slots = Arc::new(Semaphore::new(MAX_CONCURRENT));
    let mut running = JoinSet::new();
    let mut look = tokio::time::interval(POLL_INTERVAL);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let claimed = tokio::select! {
            key = queued.recv() => key.into_iter().collect(),
            _ = look.tick() => claim_due(&*delivery, store, clock.now()).await.unwrap_or_default(),
            Some(_) = running.join_next() => Vec::new(),
        };
        for key in claimed {
            let (delivery, slots) = (Arc::clone(&delivery), Arc::clone(&slots));
            let (store, clock) = (Arc::clone(store), Arc::clone(clock));
            running.spawn(async move {
                let _slot = slots.acquire_owned().await;
                if let Err(error) = attempt(&*delivery, &store, &key, clock.now()).await {
                    tracing::warn!(record_kind = %key.kind, %error, "could not process a message of the outbox");
                }
            });
        }
    }
}

/// Claims the messages that are due, each for a limited time.
async fn claim_due<D: OutboxDelivery>(
    delivery: &D,
    store: &SharedStore,
    now: Timestamp,
) -> Result<Vec<RecordKey>, StoreError> {
    let entries = all::<D::Message>(store, now).await?;
    let mut claimed = Vec::new();
    for stored in &entries {
        let is_due = stored.entry.next_attempt_at <= now;
        if is_due && delivery.can_deliver(stored.tenant(), &stored.entry.message) {
            if stored.claim(store, now).await? {
                claimed.push(stored.stored.record.key.clone());
            }
        } else if !stored.is_scheduled() {
            stored.replace(store, &stored.entry, now).await?;
        }
    }
    delivery.review(&entries);
    Ok(claimed)
}

/// Reads all entries, the earliest first: with one query, unless there are more than a query returns.
async fn all<M: OutboxMessage>(
    store: &SharedStore,
    now: Timestamp,
) -> Result<Vec<StoredEntry<M>>, StoreError> {
    let (mut from, end) = ALWAYS;
    let (mut entries, mut seen) = (Vec::new(), HashSet::new());
    while from < end {
        let page = store.list_due(M::KIND, from..=end, MAX_LISTED, now).await?;
        let is_last = page.len() < MAX_LISTED;
        let last_due = page.last().and_then(|last| last.record.due_at).unwrap_or(end);
        let new = page.into_iter().filter(|stored| seen.insert(stored.record.key.clone()));
        entries.extend(new.filter_map(StoredEntry::read));
        if is_last {
            break;
        }
        // More records may have the last due time of the page.
        from = if last_due > from { last_due } else { from.plus(Duration::from_millis(1)) };
    }
    Ok(entries)
}

async fn attempt<D: OutboxDelivery>(
    delivery: &D,
    store: &SharedStore,
    key: &RecordKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    let stored = store.get(key, now).await?.and_then(StoredEntry::read);
    let Some(stored) = stored else { return Ok(()) };
    match delivery.deliver(&key.tenant, &stored.entry, now).await {
        DeliveryOutcome::Done => store.take(key, now).await.map(drop),
        DeliveryOutcome::Failed => stored.fail(store, now).await,
        DeliveryOutcome::Postponed => Ok(()),
    }
}

#[cfg(test)]
mod tests;
