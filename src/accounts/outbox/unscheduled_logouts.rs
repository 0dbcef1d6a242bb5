//! Schedules unscheduled logout notifications: those whose records have no due time. Builds before the outbox stored
//! them, and the outbox lists messages by due time only (ADR 0023).
//!
//! A process looks for them once after its start. Two limits are accepted: of more than 1,000 notifications of
//! a client some may not be found, and those that such a build stores after the look are not sent.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    logout_outbox::LogoutNotification,
    outbox_queue::{OutboxMessage as _, OutboxTimes, StoredEntry},
};
use crate::{
    model::{Clock, TenantId},
    registry::SnapshotHandle,
    store::{IndexEntry, IndexKind, SharedStore, StoreClock, StoreError},
};

/// The pause after an error of the store.
const RETRY_INTERVAL: Duration = Duration::from_mins(10);

/// The search for unscheduled notifications.
pub(in crate::accounts) struct UnscheduledLogouts {
    /// The current tenants and clients.
    pub(in crate::accounts) registry: SnapshotHandle,
    /// The store of the notifications.
    pub(in crate::accounts) store: SharedStore,
    /// The replica's own clock.
    pub(in crate::accounts) clock: Arc<dyn Clock>,
    /// The store's clock, by which records are due.
    pub(in crate::accounts) store_clock: Arc<StoreClock>,
}

impl UnscheduledLogouts {
    /// Looks for the unscheduled notifications of each client once. After an error of the store, the other clients
    /// are next. The search ends early when all notifications from before this start have expired.
    pub(super) async fn schedule(&self) {
        let end = Instant::now() + LogoutNotification::TTL;
        self.wait_for_tenants().await;
        let mut clients = self.notified_clients();
        while let Some((tenant, client)) = clients.pop_front() {
            let Err(error) = self.schedule_found(&tenant, &client).await else { continue };
            tracing::warn!(
                record_kind = %LogoutNotification::KIND, %tenant, %error,
                "could not look for unscheduled notifications"
            );
            clients.push_back((tenant, client));
            sleep(RETRY_INTERVAL).await;
            if Instant::now() >= end {
                return;
            }
        }
    }

    /// Waits until the resources have been read.
    async fn wait_for_tenants(&self) {
        let mut changes = self.registry.changes();
        while self.registry.snapshot().tenants().next().is_none() {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// The clients with a logout URI, as the index entries of their notifications.
    fn notified_clients(&self) -> VecDeque<(TenantId, IndexEntry)> {
        let (snapshot, mut found) = (self.registry.snapshot(), VecDeque::new());
        for tenant in snapshot.tenants() {
            for client in tenant.clients().filter(|client| client.is_notified_of_logout()) {
                let owner = IndexEntry::new(IndexKind::Client, client.id.as_str());
                found.push_back((tenant.tenant.id.clone(), owner));
            }
        }
        found
    }

    /// Gives the unscheduled notifications of a client their due time.
    async fn schedule_found(
        &self,
        tenant: &TenantId,
        client: &IndexEntry,
    ) -> Result<(), StoreError> {
        let now = OutboxTimes::now(&*self.clock, &self.store_clock);
        for stored in self.store.list(LogoutNotification::KIND, tenant, client, now.own).await? {
            let stored = StoredEntry::<LogoutNotification>::read(stored);
            if let Some(stored) = stored.filter(|stored| !stored.is_scheduled()) {
                stored.replace(&self.store, &stored.entry, now).await?;
            }
        }
        Ok(())
    }
}
