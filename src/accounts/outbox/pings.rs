//! Stores the notifications that a person has answered a request over the backchannel (CIBA Core §10.2) in their outbox.

use super::{
    outbox_queue::{self, OutboxTimes},
    ping_outbox::SealedPing,
};
use crate::{
    accounts::{AccountContext, AccountError},
    protocol::records::CrossDeviceAuthorization,
    store::{IndexEntry, IndexKind, RecordKind},
};

/// Stores the notification of a client whose request was answered, if it requests one. A failure is logged: the
/// answer is stored, and the client finds it by polling.
pub(in crate::accounts) async fn queue_ping(
    context: AccountContext<'_>,
    answered: &CrossDeviceAuthorization,
) {
    let details = answered.backchannel.as_ref();
    let Some(sealed) = details.and_then(|details| details.notification.clone()) else { return };
    if let Err(error) = store_ping(context, answered, SealedPing { sealed }).await {
        tracing::warn!(tenant = %context.tenant_id(), client = %answered.client, %error, "the notification of a client could not be stored");
    }
}

async fn store_ping(
    context: AccountContext<'_>,
    answered: &CrossDeviceAuthorization,
    ping: SealedPing,
) -> Result<(), AccountError> {
    let now = OutboxTimes { own: context.now, store: context.store_now };
    let owner = IndexEntry::new(IndexKind::Client, answered.client.as_str());
    let key = context.key(RecordKind::Ping, answered.grant_id.as_str());
    let claim = outbox_queue::put_message(&context.services.store, key, (ping, owner), now).await?;
    let claim = claim.ok_or(AccountError::DuplicateId(RecordKind::Ping))?;
    context.services.ping_outbox.queue.push(claim);
    Ok(())
}
