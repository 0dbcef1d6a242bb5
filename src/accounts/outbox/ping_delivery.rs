//! Notifies clients that a person has answered their request over the backchannel (CIBA Core §10.2): at once, with a
//! few retries if that fails. The notifications are messages of an outbox, so no answer waits for a client.

use std::sync::Arc;

use serde_json::json;

use super::{
    outbox_queue::{
        DeliveryOutcome, OutboxDelivery, OutboxEntry, OutboxMessage as _, OutboxWorker, StoredEntry,
    },
    ping_outbox::SealedPing,
};
use crate::{
    accounts::{AccountServices, records::sealed_record::open_record},
    fetch::{CallBody, ClientCall, FetchError},
    model::{Client, Clock, Secret, TenantId, Timestamp},
    protocol::records::PingNotification,
    registry::{ServedTenant, SnapshotHandle},
    telemetry::NotificationOutcome,
};

/// Longest response that is read. Its content has no meaning.
const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// Sends the notifications of all tenants.
#[derive(Debug)]
pub struct PingDelivery {
    accounts: Arc<AccountServices>,
    registry: SnapshotHandle,
}

/// A client could not be notified.
#[derive(Debug, thiserror::Error)]
enum PingError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the endpoint returned status {0}")]
    Status(u16),
}

/// Sends notifications until the process ends. `clock` is the replica's own.
pub async fn run_ping_delivery(
    (accounts, registry): (Arc<AccountServices>, SnapshotHandle),
    clock: Arc<dyn Clock>,
) {
    let (store, store_clock) = (Arc::clone(&accounts.store), Arc::clone(&accounts.store_clock));
    let services = Arc::clone(&accounts);
    let delivery = Arc::new(PingDelivery { accounts, registry });
    let worker = OutboxWorker::new(delivery, store, clock, store_clock);
    worker.run(&services.ping_outbox.queue).await;
}

impl OutboxDelivery for PingDelivery {
    type Message = SealedPing;

    fn is_ready(&self) -> bool {
        self.registry.snapshot().tenants().next().is_some()
    }

    fn review(&self, _: &[StoredEntry<SealedPing>]) {}

    fn can_deliver(&self, tenant: &TenantId) -> bool {
        self.registry.snapshot().tenant(tenant).is_some()
    }

    async fn deliver(
        &self,
        tenant: &TenantId,
        entry: &OutboxEntry<SealedPing>,
        _: Timestamp,
    ) -> DeliveryOutcome {
        let snapshot = self.registry.snapshot();
        let (Some(served), Some(sealer)) = (snapshot.tenant(tenant), &snapshot.sealer) else {
            return DeliveryOutcome::Postponed;
        };
        let Some(ping) = open_record::<PingNotification>(sealer, tenant, &entry.message.sealed)
        else {
            tracing::warn!(%tenant, "a notification of the outbox was sealed with a key that is gone; it is not sent");
            return DeliveryOutcome::Done;
        };
        // A client that polls now, or is gone, wants none. Another object may have got its id.
        let client = served.declared_client(ping.client.as_str());
        let client = client.filter(|it| it.object == ping.client_object);
        let found = client.and_then(|it| Some((&**it, it.ping_endpoint()?)));
        let Some((client, endpoint)) = found else {
            return DeliveryOutcome::Done;
        };
        let sent = self.send(served, (client, endpoint), &ping).await;
        let outcome =
            sent.as_ref().map_or(NotificationOutcome::Failed, |()| NotificationOutcome::Ok);
        self.accounts.metrics.ciba_notified(tenant, outcome);
        let Err(error) = sent else { return DeliveryOutcome::Done };
        let attempts = entry.failed_attempts + 1;
        let will_retry = SealedPing::retry_delay(attempts).is_some();
        tracing::warn!(
            %tenant, client = %client.object, attempts, %error, will_retry,
            "the notification of a client that a person has answered failed"
        );
        DeliveryOutcome::Failed
    }
}

impl PingDelivery {
    /// Posts a notification. Any 2xx status is a success; a redirect is not followed.
    async fn send(
        &self,
        served: &ServedTenant,
        (client, endpoint): (&Client, &str),
        ping: &PingNotification,
    ) -> Result<(), PingError> {
        let tenant = served.tenant.id.to_string();
        let http_client = self.accounts.http_client.for_clients(&tenant, &client.object.namespace);
        let credentials = Secret::new(format!("Bearer {}", ping.token));
        let content = Secret::new(json!({ "auth_req_id": ping.auth_req_id }).to_string());
        let call = ClientCall {
            url: endpoint,
            authorization: Some(&credentials),
            accept: "*/*",
            body: Some(CallBody::json(&content)),
        };
        match http_client.call(call, MAX_RESPONSE_BYTES).await?.status {
            200..300 => Ok(()),
            status => Err(PingError::Status(status)),
        }
    }
}
