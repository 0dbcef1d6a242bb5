//! Messages to other servers that are stored until they are delivered, so a restart loses none
//! (docs/adr/0023-messages-are-delivered-from-an-outbox.md).
//!
//! A message is a record whose due time is that of its next attempt. The replica that stores a
//! message attempts it at once. Every replica looks for due messages (`worker`), and claims one by
//! moving its due time. Replicas compare due times by the store's clock.
//!
//! Must not: know what is delivered, or to whom.

mod worker;

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub(in crate::accounts) use worker::OutboxWorker;

use crate::{
    model::{Clock, TenantId, Timestamp},
    protocol::records::{RecordFormat, decode_record, encode_record},
    store::{
        CLOCK_SKEW, IndexEntry, Record, RecordKey, RecordKind, SharedStore, StoreClock, StoreError,
        VersionedRecord,
    },
};

/// How long a claimed message is left to the replica that claimed it.
const CLAIM_DURATION: Duration = Duration::from_secs(30);
/// The end of a claim in which no attempt starts: longer than an attempt may take, so an attempt
/// ends before its claim.
const CLAIM_MARGIN: Duration = Duration::from_secs(15);

/// A kind of message.
pub(in crate::accounts) trait OutboxMessage:
    Clone + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The kind of the messages' records.
    const KIND: RecordKind;
    /// Lifetime of a message that cannot be delivered.
    const TTL: Duration;
    /// The delay after each failed attempt until the next one. A further failure is the last.
    const RETRY_DELAYS: &'static [Duration];

    /// The delay until the next attempt, given the number of failed attempts. `None` after the last attempt.
    fn retry_delay(failed_attempts: u32) -> Option<Duration> {
        let index = usize::try_from(failed_attempts).ok()?.checked_sub(1)?;
        Self::RETRY_DELAYS.get(index).copied()
    }
}

/// The progress of a message that is not delivered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::accounts) enum DeliveryProgress {
    /// No attempt has failed.
    Pending,
    /// An attempt has failed, and another follows.
    Retrying,
    /// The last attempt has failed.
    GivenUp,
}

/// A stored message with the state of its delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "M: OutboxMessage")]
pub(in crate::accounts) struct OutboxEntry<M> {
    /// The message to deliver.
    pub(in crate::accounts) message: M,
    /// The number of failed attempts.
    pub(in crate::accounts) failed_attempts: u32,
    /// The time of the next attempt. A claim moves it. It is the due time of the record too.
    pub(super) next_attempt_at: Timestamp,
}

impl<M: OutboxMessage> RecordFormat for OutboxEntry<M> {}

impl<M: OutboxMessage> OutboxEntry<M> {
    /// The progress of the delivery.
    pub(super) fn progress(&self) -> DeliveryProgress {
        match self.failed_attempts {
            0 => DeliveryProgress::Pending,
            failed if M::retry_delay(failed).is_some() => DeliveryProgress::Retrying,
            _ => DeliveryProgress::GivenUp,
        }
    }
}

/// A moment by both clocks.
#[derive(Clone, Copy, Debug)]
pub(in crate::accounts) struct OutboxTimes {
    /// The time by the replica's own clock, by which records expire.
    pub(in crate::accounts) own: Timestamp,
    /// The time by the store's clock, by which messages are due.
    pub(in crate::accounts) store: Timestamp,
}

impl OutboxTimes {
    /// The current time by both clocks.
    pub(in crate::accounts) fn now(own: &dyn Clock, store: &StoreClock) -> Self {
        let own = own.now();
        Self { own, store: store.at(own) }
    }
}

/// A message that this replica has claimed. The time at which the claim ends distinguishes it from
/// other claims of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::accounts) struct ClaimedMessage {
    key: RecordKey,
    ends_at: Timestamp,
}

impl ClaimedMessage {
    /// Returns true if an attempt that starts now ends before the claim.
    fn is_usable(&self, now: OutboxTimes) -> bool {
        now.store.plus(CLAIM_MARGIN) < self.ends_at
    }
}

/// An entry as read from the store.
#[derive(Clone, Debug)]
pub(in crate::accounts) struct StoredEntry<M> {
    /// The message and the state of its delivery, decoded from the record.
    pub(in crate::accounts) entry: OutboxEntry<M>,
    stored: VersionedRecord,
}

impl<M: OutboxMessage> StoredEntry<M> {
    /// Decodes a record; `None`, with a line in the log, if only a newer release can read it.
    pub(in crate::accounts) fn read(stored: VersionedRecord) -> Option<Self> {
        let log = |error: &_| {
            let key = &stored.record.key;
            tracing::warn!(record_kind = %key.kind, record = %key, %error, "a message of the outbox cannot be read");
        };
        let entry = decode_record(&stored.record.value).inspect_err(log).ok()?;
        Some(Self { entry, stored })
    }

    /// The key of the message's record.
    pub(in crate::accounts) fn key(&self) -> &RecordKey {
        &self.stored.record.key
    }

    /// Returns true if the store lists the record by due time. A build before the outbox may have
    /// written it without one.
    pub(super) fn is_scheduled(&self) -> bool {
        self.stored.record.due_at.is_some()
    }

    /// Replaces the entry and moves its due time. Returns `false` if another replica was faster.
    pub(in crate::accounts) async fn replace(
        &self,
        store: &SharedStore,
        entry: &OutboxEntry<M>,
        now: OutboxTimes,
    ) -> Result<bool, StoreError> {
        let record = Record {
            value: encode_record(entry).into(),
            due_at: Some(entry.next_attempt_at),
            ..self.stored.record.clone()
        };
        store.compare_and_swap(self.stored.version, record, now.own).await
    }

    /// Claims the message; `None` if another replica was faster.
    async fn claim(
        &self,
        store: &SharedStore,
        now: OutboxTimes,
    ) -> Result<Option<ClaimedMessage>, StoreError> {
        let ends_at = now.store.plus(CLAIM_DURATION);
        let entry = OutboxEntry { next_attempt_at: ends_at, ..self.entry.clone() };
        let is_claimed = self.replace(store, &entry, now).await?;
        Ok(is_claimed.then(|| ClaimedMessage { key: self.key().clone(), ends_at }))
    }

    /// Records a failed attempt. A message that is given up is not due before it has expired for
    /// all replicas, so each can count it.
    async fn fail(&self, store: &SharedStore, now: OutboxTimes) -> Result<(), StoreError> {
        let failed_attempts = self.entry.failed_attempts + 1;
        let next_attempt_at = match M::retry_delay(failed_attempts) {
            Some(delay) => now.store.plus(delay),
            None => self.stored.record.expires_at.plus(CLOCK_SKEW),
        };
        let message = self.entry.message.clone();
        let entry = OutboxEntry { message, failed_attempts, next_attempt_at };
        self.replace(store, &entry, now).await.map(drop)
    }
}

/// The queue from the writers of messages to the worker of this process.
#[derive(Debug)]
pub(in crate::accounts) struct OutboxQueue {
    send: UnboundedSender<ClaimedMessage>,
    receive: Mutex<Option<UnboundedReceiver<ClaimedMessage>>>,
}

impl Default for OutboxQueue {
    fn default() -> Self {
        let (send, receive) = unbounded_channel();
        Self { send, receive: Mutex::new(Some(receive)) }
    }
}

impl OutboxQueue {
    /// Queues a stored message.
    pub(in crate::accounts) fn push(&self, claim: ClaimedMessage) {
        // Sending fails only while the process stops; another replica then finds the record.
        let _ = self.send.send(claim);
    }

    /// The receiver; `None` if a worker has it already.
    fn receiver(&self) -> Option<UnboundedReceiver<ClaimedMessage>> {
        self.receive.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Stores a message, claimed by this replica; `None` if a message with its key exists.
pub(in crate::accounts) async fn put_message<M: OutboxMessage>(
    store: &SharedStore,
    key: RecordKey,
    (message, owner): (M, IndexEntry),
    now: OutboxTimes,
) -> Result<Option<ClaimedMessage>, StoreError> {
    let ends_at = now.store.plus(CLAIM_DURATION);
    let entry = OutboxEntry { message, failed_attempts: 0, next_attempt_at: ends_at };
    let record = Record {
        key: key.clone(),
        value: encode_record(&entry).into(),
        expires_at: now.own.plus(M::TTL),
        owners: vec![owner],
        due_at: Some(ends_at),
    };
    let is_new = store.insert(record, now.own).await?;
    Ok(is_new.then_some(ClaimedMessage { key, ends_at }))
}

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::accounts) enum DeliveryOutcome {
    /// The message was delivered, or its receiver no longer exists.
    Done,
    /// The receiver did not accept the message. Another attempt follows after the delay, unless this was the last.
    Failed,
    /// The message cannot be attempted yet. It is due again when its claim ends.
    Postponed,
}

/// The delivery of one kind of message.
pub(in crate::accounts) trait OutboxDelivery: Send + Sync + 'static {
    /// The kind of message.
    type Message: OutboxMessage;

    /// Returns true once it is known which tenants can be served. Until then no due message is
    /// looked for.
    fn is_ready(&self) -> bool;

    /// Receives the entries of the store, the earliest due first, whenever they were counted.
    fn review(&self, entries: &[StoredEntry<Self::Message>]);

    /// Returns true if messages of the tenant can be attempted now.
    fn can_deliver(&self, tenant: &TenantId) -> bool;

    /// Attempts to deliver a message.
    fn deliver(
        &self,
        tenant: &TenantId,
        entry: &OutboxEntry<Self::Message>,
        now: Timestamp,
    ) -> impl Future<Output = DeliveryOutcome> + Send;
}

#[cfg(test)]
pub(super) mod tests;
