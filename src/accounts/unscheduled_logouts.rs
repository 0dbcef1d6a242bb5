//! Schedules logout notifications without a due time, which a store that the commit a185edd wrote contains: such a
//! store has to be read, and the outbox lists messages by due time only.
//!
//! A replica of that commit may still run during a roll-out. Two limits are accepted: of more than 1,000
//! notifications of a client some may not be found, and those that such a replica stores later than
//! three hours after the start of this process are not sent.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    logout_outbox::LogoutNotification,
    outbox::{OutboxMessage as _, OutboxTimes, POLL_INTERVAL, StoredEntry},
};
use crate::{
    model::Clock,
    registry::SnapshotHandle,
    store::{IndexEntry, IndexKind, SharedStore, StoreClock, StoreError},
};

/// Interval at which they are looked up: one query for each client with a logout URI.
const CHECK_INTERVAL: Duration = Duration::from_mins(10);

/// The search for such notifications.
pub(super) struct UnscheduledLogouts {
    /// The current tenants and clients.
    pub(super) registry: SnapshotHandle,
    /// The store of the notifications.
    pub(super) store: SharedStore,
    /// The replica's own clock.
    pub(super) clock: Arc<dyn Clock>,
    /// The store's clock, by which records are due.
    pub(super) store_clock: Arc<StoreClock>,
}

impl UnscheduledLogouts {
    /// Schedules such notifications for as long as one may exist that was stored before this
    /// process started.
    pub(super) async fn schedule(&self) {
        let end = Instant::now() + LogoutNotification::TTL;
        while Instant::now() < end {
            // The resources may not have been read yet.
            let is_ready = self.registry.snapshot().tenants().next().is_some();
            let looked = is_ready && self.schedule_found().await.is_ok();
            sleep(if looked { CHECK_INTERVAL } else { POLL_INTERVAL }).await;
        }
    }

    async fn schedule_found(&self) -> Result<(), StoreError> {
        let now = OutboxTimes::now(&*self.clock, &self.store_clock);
        let (snapshot, kind) = (self.registry.snapshot(), LogoutNotification::KIND);
        for tenant in snapshot.tenants() {
            let notified = tenant.clients().filter(|client| client.is_notified_of_logout());
            for client in notified {
                let owner = IndexEntry::new(IndexKind::Client, client.id.as_str());
                for stored in self.store.list(kind, &tenant.tenant.id, &owner, now.own).await? {
                    let stored = StoredEntry::<LogoutNotification>::read(stored);
                    if let Some(stored) = stored.filter(|stored| !stored.is_scheduled()) {
                        stored.replace(&self.store, &stored.entry, now).await?;
                    }
                }
            }
        }
        Ok(())
    }
}
