//! The outbox of notifications that a person has answered a request over the backchannel (CIBA Core §10.2): what is
//! stored and queued. `ping_delivery` sends it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    AccountContext, AccountError,
    outbox::{self, Moment, OutboxMessage, OutboxQueue},
};
use crate::{
    protocol::{cross_device::MAX_WAITING_TIME, records::CrossDeviceAuthorization},
    store::{IndexEntry, OwnerKind, RecordKind},
};

/// A notification that is sealed while it waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SealedPing {
    /// A `PingNotification`.
    pub(super) sealed: String,
}

impl OutboxMessage for SealedPing {
    const KIND: RecordKind = RecordKind::Ping;
    /// The `auth_req_id` has expired then.
    const TTL: Duration = MAX_WAITING_TIME;

    fn retry_delay(failed_attempts: u32) -> Option<Duration> {
        const SECONDS: [u64; 6] = [0, 2, 10, 30, 90, 240];
        let seconds = SECONDS.get(usize::try_from(failed_attempts).unwrap_or(usize::MAX))?;
        Some(Duration::from_secs(*seconds))
    }
}

/// The outbox of notifications.
#[derive(Debug, Default)]
pub struct PingOutbox {
    pub(super) queue: OutboxQueue,
}

/// Stores the notification of a client whose request was answered, if it wants one. A failure is logged: the answer
/// counts, and the client finds it by polling.
pub(super) async fn queue_ping(context: AccountContext<'_>, answered: &CrossDeviceAuthorization) {
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
    let now = Moment { own: context.now, store: context.store_now };
    let owner = IndexEntry::new(OwnerKind::Client, answered.client.as_str());
    let key = context.key(RecordKind::Ping, answered.grant_id.as_str());
    let claim = outbox::put_message(&context.services.store, key, (ping, owner), now).await?;
    let claim = claim.ok_or(AccountError::DuplicateId(RecordKind::Ping))?;
    context.services.ping_outbox.queue.push(claim);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        accounts::outbox::OutboxEntry, model::Timestamp, protocol::records::encode_record,
    };

    #[test]
    fn the_first_format_is_unchanged() {
        let entry = OutboxEntry {
            message: SealedPing { sealed: "ab".to_owned() },
            failed_attempts: 2,
            next_attempt_at: Timestamp::from_secs(1_900_000_000),
        };
        let hex: String = encode_record(&entry).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "010261620280e0998dcc6e");
    }

    #[test]
    fn all_attempts_are_within_the_life_of_a_notification() {
        let delays: Vec<_> = (1..).map_while(SealedPing::retry_delay).collect();
        assert_eq!(delays.len(), 5);
        assert!(delays.iter().sum::<Duration>() < SealedPing::TTL);
    }
}
