//! Schedules logout notifications that a replica of the release before due times has stored: the
//! store does not list them by due time. Such a replica may still run during a roll-out.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{
    LogoutNotifier,
    backchannel_logout::LogoutNotification,
    outbox::{OutboxMessage as _, POLL_INTERVAL, StoredEntry},
};
use crate::store::{IndexEntry, OwnerKind, StoreError};

/// Interval at which they are looked up: one query for each client with a logout URI.
const LOOK_INTERVAL: Duration = Duration::from_mins(10);

/// Schedules such notifications for as long as one may exist that was stored before this process
/// started.
pub(super) async fn schedule_unscheduled(notifier: &LogoutNotifier) {
    let end = Instant::now() + LogoutNotification::TTL;
    while Instant::now() < end {
        // The resources may not have been read yet.
        let is_ready = notifier.registry.snapshot().tenants().next().is_some();
        let looked = is_ready && schedule_found(notifier).await.is_ok();
        sleep(if looked { LOOK_INTERVAL } else { POLL_INTERVAL }).await;
    }
}

async fn schedule_found(notifier: &LogoutNotifier) -> Result<(), StoreError> {
    let (snapshot, now) = (notifier.registry.snapshot(), notifier.clock.now());
    let store = &notifier.accounts.store;
    for tenant in snapshot.tenants() {
        let notified =
            tenant.clients().filter(|client| client.details.backchannel_logout_uri.is_some());
        for client in notified {
            let owner = IndexEntry::new(OwnerKind::Client, client.id.as_str());
            let kind = LogoutNotification::KIND;
            for stored in store.list(kind, &tenant.tenant.id, &owner, now).await? {
                let stored = StoredEntry::<LogoutNotification>::read(stored);
                if let Some(stored) = stored.filter(|stored| !stored.is_scheduled()) {
                    stored.replace(store, &stored.entry, now).await?;
                }
            }
        }
    }
    Ok(())
}
