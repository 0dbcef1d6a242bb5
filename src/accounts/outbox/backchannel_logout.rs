//! Notifies clients that a session has ended (OIDC Back-Channel Logout §2.5): at once, with retries
//! if that fails. The notifications are messages of an outbox.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use super::{
    logout_outbox::LogoutNotification,
    outbox_queue::{
        self, ClaimedMessage, DeliveryOutcome, OutboxDelivery, OutboxEntry, OutboxMessage as _,
        OutboxTimes, OutboxWorker, StoredEntry,
    },
    undelivered_logouts::UndeliveredCount,
    unscheduled_logouts::UnscheduledLogouts,
};
use crate::{
    accounts::{AccountContext, AccountError, AccountServices, tokens::token_issuer},
    fetch::FetchError,
    keys::{JwtType, SigningError},
    model::{Client, ClientId, Clock, Subject, TenantId, Timestamp},
    protocol::{logout_token, records::Session, session, sid, subject},
    registry::{ServedTenant, SnapshotHandle},
    store::{IndexEntry, IndexKind, RecordKind},
    telemetry::NotificationOutcome,
};

/// The address of the client whose request causes a notification, which is not known.
const UNKNOWN_CLIENT_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Sends the notifications of ended sessions to their clients.
#[derive(Debug)]
pub struct LogoutNotifier {
    /// The store, the outbox, the signing threads and the HTTP client.
    pub accounts: Arc<AccountServices>,
    /// The current tenants and clients.
    pub registry: SnapshotHandle,
    /// The replica's own clock.
    pub clock: Arc<dyn Clock>,
}

/// Stores a notification of a session's end for each of the clients. They are sent when they are
/// queued, or by another replica when the claims end.
pub(in crate::accounts) async fn store_notifications(
    context: AccountContext<'_>,
    session: &Session,
    clients: impl Iterator<Item = &ClientId>,
) -> Result<Vec<ClaimedMessage>, AccountError> {
    let clients = clients
        .filter_map(|id| context.tenant.declared_client(id.as_str()))
        .filter(|client| session::session_includes(session, client));
    let mut claims = Vec::new();
    for client in clients {
        let about = (session.authentication.subject.as_str(), session.sid.as_str());
        claims.extend(store_notification(context, client, about).await?);
    }
    Ok(claims)
}

/// Stores a notification for a client: about a subject and a session, which may have ended long ago.
/// `None` if the client wants none.
pub(in crate::accounts) async fn store_notification(
    context: AccountContext<'_>,
    client: &Client,
    (subject, sid): (&str, &str),
) -> Result<Option<ClaimedMessage>, AccountError> {
    if !client.is_notified_of_logout() {
        return Ok(None);
    }
    let now = OutboxTimes { own: context.now, store: context.store_now };
    let (subject, sid) = (subject.to_owned(), sid.to_owned());
    let notification = LogoutNotification { client: client.id.clone(), subject, sid };
    let AccountServices { store, entropy, .. } = &**context.services;
    let key = context.key(RecordKind::Logout, entropy.id());
    let owner = IndexEntry::new(IndexKind::Client, client.id.as_str());
    let claim = outbox_queue::put_message(store, key, (notification, owner), now).await?;
    claim.ok_or(AccountError::DuplicateId(RecordKind::Logout)).map(Some)
}

/// Queues stored notifications for delivery by this replica, which has claimed them.
pub(in crate::accounts) fn queue_logouts(context: AccountContext<'_>, claims: Vec<ClaimedMessage>) {
    for claim in claims {
        context.services.logout_outbox.queue.push(claim);
    }
}

/// Sends notifications until the process ends.
pub async fn run_notifier(notifier: Arc<LogoutNotifier>) {
    let AccountServices { store, store_clock, logout_outbox, .. } = &*notifier.accounts;
    let clock = || Arc::clone(&notifier.clock);
    let unscheduled = UnscheduledLogouts {
        registry: notifier.registry.clone(),
        store: Arc::clone(store),
        clock: clock(),
        store_clock: Arc::clone(store_clock),
    };
    let delivery = Arc::clone(&notifier);
    let worker = OutboxWorker::new(delivery, Arc::clone(store), clock(), Arc::clone(store_clock));
    tokio::join!(worker.run(&logout_outbox.queue), unscheduled.schedule());
}

impl OutboxDelivery for LogoutNotifier {
    type Message = LogoutNotification;

    fn is_ready(&self) -> bool {
        self.registry.snapshot().tenants().next().is_some()
    }

    fn review(&self, entries: &[StoredEntry<LogoutNotification>]) {
        let snapshot = self.registry.snapshot();
        let mut count = UndeliveredCount::default();
        for stored in entries {
            let entry = &stored.entry;
            let client = snapshot
                .tenant(&stored.key().tenant)
                .and_then(|tenant| client_to_notify(tenant, &entry.message));
            if let Some(client) = client {
                count.count(client, entry.progress());
            }
        }
        self.accounts.logout_outbox.undelivered.publish(count);
    }

    fn can_deliver(&self, tenant: &TenantId) -> bool {
        self.registry.snapshot().tenant(tenant).is_some()
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
        let outcome =
            sent.as_ref().map_or(NotificationOutcome::Failed, |()| NotificationOutcome::Ok);
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
    let client = tenant.declared_client(notification.client.as_str())?;
    client.is_notified_of_logout().then_some(client)
}

/// An attempt to notify a client failed.
#[derive(Debug, thiserror::Error)]
enum DeliveryError {
    #[error("the tenant has no signing key")]
    NoSigningKey,
    #[error("the logout token could not be signed")]
    Sign(#[from] SigningError),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the endpoint returned status {0}")]
    Status(u16),
}

/// Sends a POST to each URI of a client (OIDC Back-Channel Logout §2.5). Any 2xx status is a success.
async fn send(
    notifier: &LogoutNotifier,
    tenant: &ServedTenant,
    client: &Client,
    notification: &LogoutNotification,
    now: Timestamp,
) -> Result<(), DeliveryError> {
    let subject = subject::subject_for_client(client, &Subject::new(&notification.subject));
    let sid = sid::sid_for_client(client, &notification.sid);
    let about = (subject.as_str(), sid.as_str());
    let claims = logout_token::logout_token_claims(
        &tenant.tenant,
        client,
        about,
        &notifier.accounts.entropy.id(),
        now,
    );
    let key = tenant
        .signing_key_for(client, notifier.accounts.store_clock.at(now))
        .ok_or(DeliveryError::NoSigningKey)?;
    let token =
        token_issuer::sign_claims(&notifier.accounts, key, JwtType::LogoutToken, &claims).await?;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("logout_token", &token)
        .finish();
    let http_client = notifier.accounts.http_client.for_owner(&tenant.tenant.id.to_string(), None);
    let local = notifier.accounts.local_issuers.get();
    let mut sent = Ok(());
    for (uri, is_linked) in client.all_backchannel_logout_uris() {
        // Tenants of this installation are not called over the network.
        let local = local.filter(|_| is_linked);
        let http_client = local
            .map_or_else(|| Arc::clone(&http_client), |it| it.client_for(UNKNOWN_CLIENT_ADDRESS));
        let status = http_client.post_form(uri, form.clone()).await;
        sent = sent.and(match status {
            Ok(200..300) => Ok(()),
            Ok(status) => Err(DeliveryError::Status(status)),
            Err(error) => Err(error.into()),
        });
    }
    sent
}
