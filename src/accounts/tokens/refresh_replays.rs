//! Counts refresh tokens that were used after they had been superseded, by client, until the holder
//! of the Lease has reported them in an Event (docs/design/state.md#refresh-token).
//!
//! The count of a client is one record of the store, so that any replica can add to it. It is due when the next
//! Event is due. That is an hour after the last Event, or a few seconds after the first token.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    accounts::{AccountContext, AccountError, AccountServices, context::RecordChange},
    model::{Client, Clock, ObjectKey, RefreshReplays, ReportedReplays, Timestamp},
    protocol::records::{RecordFormat, decode_record, encode_record},
    store::{Record, RecordKey, RecordKind, SharedStore, StoreClock, VersionedRecord},
};

/// Time between two Events about one client.
const REPORT_INTERVAL: Duration = Duration::from_hours(1);
/// How long tokens are collected before the first Event.
const COLLECTION_TIME: Duration = Duration::from_secs(5);
/// Lifetime of a count that no replica reports.
const TTL: Duration = Duration::from_hours(24);
/// Maximum number of Events in one round.
const MAX_REPORTS: usize = 16;

/// The tokens of one client that are not reported yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ReplayCount {
    client: ObjectKey,
    tokens: u32,
    reported_at: Option<Timestamp>,
}

impl RecordFormat for ReplayCount {}

impl ReplayCount {
    /// The count after one more token.
    fn add(earlier: Option<&Self>, client: &ObjectKey) -> Self {
        Self {
            client: client.clone(),
            tokens: earlier.map_or(0, |it| it.tokens).saturating_add(1),
            reported_at: earlier.and_then(|it| it.reported_at),
        }
    }

    /// When the next Event is due, by the store's clock.
    fn due_at(&self, now: Timestamp) -> Option<Timestamp> {
        let quiet_until = self.reported_at.map(|at| at.plus(REPORT_INTERVAL));
        let soon = now.plus(COLLECTION_TIME);
        (self.tokens > 0).then(|| quiet_until.map_or(soon, |until| until.max(soon)))
    }

    fn record(&self, key: &RecordKey, now: Timestamp) -> Record {
        Record {
            key: key.clone(),
            value: encode_record(self).into(),
            expires_at: now.plus(TTL),
            owners: Vec::new(),
            due_at: self.due_at(now),
        }
    }
}

fn read(stored: &VersionedRecord) -> Option<ReplayCount> {
    decode_record(&stored.record.value).ok()
}

/// Counts a token of a client. One that a metadata document describes has no object for Events.
pub(in crate::accounts) async fn count_replay(
    context: AccountContext<'_>,
    client: &Client,
) -> Result<(), AccountError> {
    if client.is_described_by_document() {
        return Ok(());
    }
    let key = context.key(RecordKind::RefreshReplays, client.object.to_string());
    let stored = context.get(&key).await?;
    let added = |stored: Option<&VersionedRecord>| {
        let count = ReplayCount::add(stored.and_then(read).as_ref(), &client.object);
        let due_at = stored.and_then(|it| it.record.due_at);
        let record = count.record(&key, context.store_now);
        // A token does not postpone an Event that is due already.
        Ok(RecordChange::Write(Record { due_at: due_at.or(record.due_at), ..record }, ()))
    };
    context.update(&key, stored, added).await
}

/// The counts of all clients, for the holder of the Lease.
#[derive(Debug)]
pub struct StoredRefreshReplays {
    store: SharedStore,
    clock: Arc<dyn Clock>,
    store_clock: Arc<StoreClock>,
}

impl StoredRefreshReplays {
    /// The counts in the store of these services. `clock` is the replica's own.
    pub fn new(services: &AccountServices, clock: &Arc<dyn Clock>) -> Self {
        Self {
            store: Arc::clone(&services.store),
            clock: Arc::clone(clock),
            store_clock: Arc::clone(&services.store_clock),
        }
    }

    /// Claims a count. `None` if it changed in the meantime: a later round finds it again.
    async fn claim(&self, stored: &VersionedRecord, now: Timestamp) -> Option<ReportedReplays> {
        let count = read(stored)?;
        let reported = ReplayCount { tokens: 0, reported_at: Some(now), ..count.clone() };
        let record = reported.record(&stored.record.key, now);
        let swapped = self.store.compare_and_swap(stored.version, record, self.clock.now()).await;
        swapped.ok()?.then_some(ReportedReplays { client: count.client, tokens: count.tokens })
    }
}

#[async_trait]
impl RefreshReplays for StoredRefreshReplays {
    async fn take_due(&self) -> Vec<ReportedReplays> {
        let own = self.clock.now();
        let now = self.store_clock.at(own);
        let due = Timestamp::from_secs(0)..=now;
        let kind = RecordKind::RefreshReplays;
        // The store has logged the failure of a query; the next round repeats it.
        let found = self.store.list_due(kind, due, MAX_REPORTS, own).await.unwrap_or_default();
        let mut reports = Vec::with_capacity(found.records.len());
        for stored in &found.records {
            reports.extend(self.claim(stored, now).await);
        }
        reports
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);

    fn client() -> ObjectKey {
        ObjectKey::new("team", "shop")
    }

    #[test]
    fn the_first_format_is_unchanged() {
        let count = ReplayCount { client: client(), tokens: 3, reported_at: Some(NOW) };
        let hex: String = encode_record(&count).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "01047465616d0473686f70030180e0998dcc6e");
    }

    #[test]
    fn an_event_is_due_soon_and_then_once_an_hour() {
        let first = ReplayCount::add(None, &client());
        assert_eq!(first.due_at(NOW), Some(NOW.plus(COLLECTION_TIME)));
        let reported = ReplayCount { tokens: 0, reported_at: Some(NOW), ..first };
        assert_eq!(reported.due_at(NOW), None, "nothing to report");
        let again = ReplayCount::add(Some(&reported), &client());
        assert_eq!(again.due_at(NOW.plus(COLLECTION_TIME)), Some(NOW.plus(REPORT_INTERVAL)));
        let late = NOW.plus(2 * REPORT_INTERVAL);
        assert_eq!(again.due_at(late), Some(late.plus(COLLECTION_TIME)));
    }
}
