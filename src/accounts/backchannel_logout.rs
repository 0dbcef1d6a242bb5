//! Notifies clients that a session has ended (OIDC Back-Channel Logout §2.5): at once, with retries
//! if that fails. A notification is a record until it is delivered, so a restart loses none.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{
        Semaphore,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    },
    task::JoinSet,
    time::MissedTickBehavior,
};

use super::{
    AccountContext, AccountError, AccountServices, token_issuer,
    undelivered_logouts::{UndeliveredCount, UndeliveredTracker},
};
use crate::{
    fetch::SharedFetch,
    keys::JwtType,
    model::{Client, ClientId, Clock, Subject, TenantId, Timestamp, UndeliveredReceiver},
    protocol::{
        logout_token,
        records::{RecordFormat, Session, decode, encode},
        sid, subject,
    },
    registry::{ServedTenant, SnapshotHandle},
    store::{IndexEntry, OwnerKind, Record, RecordKey, RecordKind, StoreError},
    telemetry::LogoutOutcome,
};

/// Interval at which due notifications are looked up.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// How long a claimed notification is left to the replica that claimed it.
const CLAIM_DURATION: Duration = Duration::from_secs(30);
/// Lifetime of a notification that cannot be delivered.
const NOTIFICATION_TTL: Duration = Duration::from_hours(3);
/// Notifications sent concurrently.
const MAX_CONCURRENT: usize = 64;

/// A pending notification of a client about a session's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct LogoutNotification {
    client: ClientId,
    subject: String,
    sid: String,
    tries: u32,
    next_at: Timestamp,
}

impl RecordFormat for LogoutNotification {}

/// The record of a notification.
#[derive(Clone, Debug)]
struct NotificationId {
    tenant: TenantId,
    id: String,
}

/// The queue from handlers to the notifier, and the tracker of its failures.
#[derive(Debug)]
pub struct BackchannelLogoutQueue {
    send: UnboundedSender<NotificationId>,
    receive: Mutex<Option<UnboundedReceiver<NotificationId>>>,
    untold: UndeliveredTracker,
}

impl Default for BackchannelLogoutQueue {
    fn default() -> Self {
        let (send, receive) = unbounded_channel();
        Self { send, receive: Mutex::new(Some(receive)), untold: UndeliveredTracker::default() }
    }
}

impl BackchannelLogoutQueue {
    /// Clients with undelivered notifications, counted from the store, for all replicas.
    pub fn undelivered(&self) -> UndeliveredReceiver {
        self.untold.watch()
    }
}

/// Sends the notifications of ended sessions to their clients.
#[derive(Debug)]
pub struct LogoutNotifier {
    /// The store, the queue and the signing threads.
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
    let tenant = &context.tenant;
    let concerned = session.clients.iter().filter_map(|id| tenant.client(id.as_str()));
    for client in concerned.filter(|client| client.details.backchannel_logout_uri.is_some()) {
        let telling = LogoutNotification {
            client: client.id.clone(),
            subject: session.authentication.subject.as_str().to_owned(),
            sid: session.sid.clone(),
            tries: 0,
            next_at: context.now.plus(CLAIM_DURATION),
        };
        let id = context.services.entropy.id();
        let record = record(&tenant.tenant.id, &id, &telling, context.now.plus(NOTIFICATION_TTL));
        context.insert(record).await?;
        // Sending fails only while the process stops; another replica then finds the record.
        let _ = context
            .services
            .backchannel_logout
            .send
            .send(NotificationId { tenant: tenant.tenant.id.clone(), id });
    }
    Ok(())
}

/// Sends notifications until the process ends.
pub async fn run_notifier(notifier: Arc<LogoutNotifier>) {
    let taken = notifier
        .accounts
        .backchannel_logout
        .receive
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let Some(mut due) = taken else { return };
    let slots = Arc::new(Semaphore::new(MAX_CONCURRENT));
    let mut running = JoinSet::new();
    let mut look = tokio::time::interval(POLL_INTERVAL);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let found = tokio::select! {
            due = due.recv() => due.into_iter().collect(),
            _ = look.tick() => claim_due(&notifier).await.unwrap_or_default(),
            Some(_) = running.join_next() => Vec::new(),
        };
        for due in found {
            let (notifier, slots) = (Arc::clone(&notifier), Arc::clone(&slots));
            running.spawn(async move {
                let _slot = slots.acquire_owned().await;
                if let Err(error) = notify_client(&notifier, &due).await {
                    tracing::warn!(%error, "could not process a logout notification");
                }
            });
        }
    }
}

/// Claims the notifications that are due, each for a limited time.
async fn claim_due(notifier: &LogoutNotifier) -> Result<Vec<NotificationId>, StoreError> {
    let (snapshot, now) = (notifier.registry.snapshot(), notifier.clock.now());
    let mut found = Vec::new();
    let mut untold = UndeliveredCount::default();
    for tenant in snapshot.tenants() {
        let told =
            tenant.clients().filter(|client| client.details.backchannel_logout_uri.is_some());
        for client in told {
            let owner = IndexEntry::new(OwnerKind::Client, client.id.as_str());
            let id = &tenant.tenant.id;
            for stored in notifier.accounts.store.list(RecordKind::Logout, id, &owner, now).await? {
                let Ok(telling) = decode::<LogoutNotification>(&stored.record.value) else {
                    continue;
                };
                untold.count(client, telling.tries);
                if telling.next_at > now {
                    continue;
                }
                let taken = LogoutNotification { next_at: now.plus(CLAIM_DURATION), ..telling };
                let record = Record {
                    value: encode(&taken).into(),
                    due_at: Some(taken.next_at),
                    ..stored.record
                };
                let due = NotificationId { tenant: id.clone(), id: record.key.id.clone() };
                if notifier.accounts.store.compare_and_swap(stored.version, record, now).await? {
                    found.push(due);
                }
            }
        }
    }
    notifier.accounts.backchannel_logout.untold.publish(untold);
    Ok(found)
}

async fn notify_client(notifier: &LogoutNotifier, due: &NotificationId) -> Result<(), StoreError> {
    let (snapshot, now) = (notifier.registry.snapshot(), notifier.clock.now());
    let key = RecordKey::new(RecordKind::Logout, &due.tenant, due.id.as_str());
    let Some(stored) = notifier.accounts.store.get(&key, now).await? else { return Ok(()) };
    let telling = decode::<LogoutNotification>(&stored.record.value).ok();
    let served = snapshot.tenant(&due.tenant).zip(telling);
    let Some((tenant, telling)) = served else { return Ok(()) };
    let client = tenant.client(telling.client.as_str());
    let Some(client) = client.filter(|client| client.details.backchannel_logout_uri.is_some())
    else {
        // The client no longer exists or has no logout URI, so there is no endpoint to notify.
        return notifier.accounts.store.take(&key, now).await.map(drop);
    };
    let outcome = send(notifier, tenant, client, &telling, now).await;
    notifier.accounts.metrics.logout_notified(
        &due.tenant,
        outcome.as_ref().map_or(LogoutOutcome::Failed, |()| LogoutOutcome::Ok),
    );
    let Err(why) = outcome else { return notifier.accounts.store.take(&key, now).await.map(drop) };
    let tries = telling.tries + 1;
    let next = logout_token::next_try(tries);
    tracing::warn!(
        tenant = %due.tenant, client = %telling.client, tries, why, again = next.is_some(),
        "back-channel logout notification failed"
    );
    notifier.accounts.backchannel_logout.untold.failed(&client.object, why);
    // A notification that is given up is kept until it expires, so every replica can count it.
    let next_at = next.map_or(stored.record.expires_at, |wait| now.plus(wait));
    let later = LogoutNotification { tries, next_at, ..telling };
    let record =
        Record { value: Bytes::from(encode(&later)), due_at: Some(next_at), ..stored.record };
    notifier.accounts.store.compare_and_swap(stored.version, record, now).await.map(drop)
}

/// Sends one POST (§2.5). Any 2xx status is a success.
async fn send(
    notifier: &LogoutNotifier,
    tenant: &ServedTenant,
    client: &Client,
    telling: &LogoutNotification,
    now: Timestamp,
) -> Result<(), String> {
    let uri = client.details.backchannel_logout_uri.as_deref().unwrap_or_default();
    let subject = subject::subject_for_client(client, &Subject::new(&telling.subject));
    let sid = sid::sid_for_client(client, &telling.sid);
    let about = (subject.as_str(), sid.as_str());
    let claims =
        logout_token::claims(&tenant.tenant, client, about, &notifier.accounts.entropy.id(), now);
    let key = tenant
        .signing_key_for(client, notifier.accounts.store_clock.at(now))
        .ok_or("the tenant has no signing key")?;
    let token =
        token_issuer::sign_with(&notifier.accounts, key, JwtType::LogoutToken, &claims).await;
    let token = token.map_err(|_| "the logout token could not be signed")?;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("logout_token", &token)
        .finish();
    match notifier.http_client.post_form(uri, form).await {
        Ok(status) if (200..300).contains(&status) => Ok(()),
        Ok(status) => Err(format!("the endpoint returned status {status}")),
        Err(error) => Err(error.to_string()),
    }
}

fn record(
    tenant: &TenantId,
    id: &str,
    telling: &LogoutNotification,
    expires_at: Timestamp,
) -> Record {
    Record {
        key: RecordKey::new(RecordKind::Logout, tenant, id),
        value: encode(telling).into(),
        expires_at,
        owners: vec![IndexEntry::new(OwnerKind::Client, telling.client.as_str())],
        due_at: Some(telling.next_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_notification_format_is_unchanged() {
        let telling = LogoutNotification {
            client: ClientId::new("team.shop"),
            subject: "ada".to_owned(),
            sid: "sid-1".to_owned(),
            tries: 2,
            next_at: Timestamp::from_secs(1_900_000_000),
        };
        let hex: String = encode(&telling).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "01097465616d2e73686f7003616461057369642d310280e0998dcc6e");
    }
}
