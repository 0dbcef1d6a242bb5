//! Notifies clients that a session has ended (OIDC Back-Channel Logout §2.5): at once, with retries
//! if that fails. The notifications are messages of an outbox.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    AccountContext, AccountError, AccountServices,
    outbox::{
        self, DeliveryOutcome, OutboxDelivery, OutboxEntry, OutboxMessage, OutboxQueue, StoredEntry,
    },
    token_issuer,
    undelivered_logouts::{UndeliveredCount, UndeliveredTracker},
    unscheduled_logouts::schedule_unscheduled,
};
use crate::{
    fetch::{FetchError, SharedFetch},
    keys::{JwtType, SignError},
    model::{Client, ClientId, Clock, Subject, TenantId, Timestamp, UndeliveredReceiver},
    protocol::{logout_token, records::Session, sid, subject},
    registry::{ServedTenant, SnapshotHandle},
    store::{IndexEntry, OwnerKind, RecordKind},
    telemetry::LogoutOutcome,
};

/// The notification of a client about a session's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LogoutNotification {
    pub(super) client: ClientId,
    subject: String,
    sid: String,
}

impl OutboxMessage for LogoutNotification {
    const KIND: RecordKind = RecordKind::Logout;
    const TTL: Duration = Duration::from_hours(3);

    fn retry_delay(failed_attempts: u32) -> Option<Duration> {
        logout_token::next_try(failed_attempts)
    }
}

/// The outbox of logout notifications, and the tracker of its failures.
#[derive(Debug, Default)]
pub struct LogoutOutbox {
    queue: OutboxQueue,
    undelivered: UndeliveredTracker,
}

impl LogoutOutbox {
    /// Clients with undelivered notifications, counted from the store, for all replicas.
    pub fn undelivered(&self) -> UndeliveredReceiver {
        self.undelivered.watch()
    }
}

/// Sends the notifications of ended sessions to their clients.
#[derive(Debug)]
pub struct LogoutNotifier {
    /// The store, the outbox and the signing threads.
    pub accounts: Arc<AccountServices>,
    /// The current tenants and clients.
    pub registry: SnapshotHandle,
    /// The HTTP client for clients' servers.
    pub http_client: SharedFetch,
    /// The replica's own clock.
    pub clock: Arc<dyn Clock>,
}

/// Stores a notification for each client of an ended session, and queues them.
pub(super) async fn enqueue(
    context: AccountContext<'_>,
    session: &Session,
) -> Result<(), AccountError> {
    let clients = session.clients.iter().filter_map(|id| context.tenant.client(id.as_str()));
    for client in clients.filter(|client| client.details.backchannel_logout_uri.is_some()) {
        let notification = LogoutNotification {
            client: client.id.clone(),
            subject: session.authentication.subject.as_str().to_owned(),
            sid: session.sid.clone(),
        };
        let AccountServices { store, logout_outbox, entropy, .. } = context.services;
        let key = context.key(RecordKind::Logout, entropy.id());
        let owner = IndexEntry::new(OwnerKind::Client, client.id.as_str());
        logout_outbox.queue.put(store, key, (notification, owner), context.now).await?;
    }
    Ok(())
}

/// Sends notifications until the process ends.
pub async fn run_notifier(notifier: Arc<LogoutNotifier>) {
    let AccountServices { store, logout_outbox, .. } = &*notifier.accounts;
    tokio::join!(
        outbox::run(Arc::clone(&notifier), &logout_outbox.queue, store, &notifier.clock),
        schedule_unscheduled(&notifier),
    );
}

impl OutboxDelivery for LogoutNotifier {
    type Message = LogoutNotification;

    fn review(&self, entries: &[StoredEntry<LogoutNotification>]) {
        let snapshot = self.registry.snapshot();
        let mut count = UndeliveredCount::default();
        for stored in entries {
            let entry = &stored.entry;
            let client = snapshot
                .tenant(stored.tenant())
                .and_then(|tenant| client_to_notify(tenant, &entry.message));
            if let Some(client) = client {
                count.count(client, entry.failed_attempts);
            }
        }
        self.accounts.logout_outbox.undelivered.publish(count);
    }

    fn can_deliver(&self, tenant: &TenantId, notification: &LogoutNotification) -> bool {
        let snapshot = self.registry.snapshot();
        let tenant = snapshot.tenant(tenant);
        tenant.is_some_and(|tenant| client_to_notify(tenant, notification).is_some())
    }

    async fn deliver(
        &self,
        tenant: &TenantId,
        entry: &OutboxEntry<LogoutNotification>,
        now: Timestamp,
    ) -> DeliveryOutcome {
        let (snapshot, notification) = (self.registry.snapshot(), &entry.message);
        let Some(served) = snapshot.tenant(tenant) else { return DeliveryOutcome::Postponed };
        let Some(client) = client_to_notify(served, notification) else {
            return DeliveryOutcome::Done;
        };
        let sent = send(self, served, client, notification, now).await;
        let outcome = sent.as_ref().map_or(LogoutOutcome::Failed, |()| LogoutOutcome::Ok);
        self.accounts.metrics.logout_notified(tenant, outcome);
        let Err(error) = sent else { return DeliveryOutcome::Done };
        let attempts = entry.failed_attempts + 1;
        let will_retry = LogoutNotification::retry_delay(attempts).is_some();
        tracing::warn!(
            %tenant, client = %notification.client, attempts, %error, will_retry,
            "back-channel logout notification failed"
        );
        self.accounts.logout_outbox.undelivered.failed(&client.object, error.to_string());
        DeliveryOutcome::Failed
    }
}

/// The client of a notification, if it is served and has a logout URI.
fn client_to_notify<'a>(
    tenant: &'a ServedTenant,
    notification: &LogoutNotification,
) -> Option<&'a Client> {
    let client = tenant.client(notification.client.as_str())?;
    client.details.backchannel_logout_uri.is_some().then_some(client)
}

/// An attempt to notify a client failed.
#[derive(Debug, thiserror::Error)]
enum DeliveryError {
    #[error("the tenant has no signing key")]
    NoSigningKey,
    #[error("the logout token could not be signed")]
    Sign(#[from] SignError),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the endpoint returned status {0}")]
    Status(u16),
}

/// Sends one POST (§2.5). Any 2xx status is a success.
async fn send(
    notifier: &LogoutNotifier,
    tenant: &ServedTenant,
    client: &Client,
    notification: &LogoutNotification,
    now: Timestamp,
) -> Result<(), DeliveryError> {
    let uri = client.details.backchannel_logout_uri.as_deref().unwrap_or_default();
    let subject = subject::subject_for_client(client, &Subject::new(&notification.subject));
    let sid = sid::sid_for_client(client, &notification.sid);
    let about = (subject.as_str(), sid.as_str());
    let claims =
        logout_token::claims(&tenant.tenant, client, about, &notifier.accounts.entropy.id(), now);
    let key = tenant
        .signing_key_for(client, notifier.accounts.store_clock.at(now))
        .ok_or(DeliveryError::NoSigningKey)?;
    let token =
        token_issuer::sign_with(&notifier.accounts, key, JwtType::LogoutToken, &claims).await?;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("logout_token", &token)
        .finish();
    match notifier.http_client.post_form(uri, form).await? {
        200..300 => Ok(()),
        status => Err(DeliveryError::Status(status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::records::encode;

    #[test]
    fn the_first_notification_format_is_unchanged() {
        let notification = LogoutNotification {
            client: ClientId::new("team.shop"),
            subject: "ada".to_owned(),
            sid: "sid-1".to_owned(),
        };
        let entry = OutboxEntry {
            message: notification,
            failed_attempts: 2,
            next_attempt_at: Timestamp::from_secs(1_900_000_000),
        };
        let hex: String = encode(&entry).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "01097465616d2e73686f7003616461057369642d310280e0998dcc6e");
    }
}
