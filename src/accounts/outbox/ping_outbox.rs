//! The outbox of notifications that a person has answered a request over the backchannel (CIBA Core §10.2): what is
//! stored and queued. `ping_delivery` sends it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::outbox_queue::{OutboxMessage, OutboxQueue};
use crate::{protocol::cross_device::MAX_WAITING_TIME, store::RecordKind};

/// A notification that is sealed while it waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::accounts) struct SealedPing {
    /// A serialized `PingNotification`, encrypted with the sealing keys.
    pub(in crate::accounts) sealed: String,
}

impl OutboxMessage for SealedPing {
    const KIND: RecordKind = RecordKind::Ping;
    /// The `auth_req_id` has expired then.
    const TTL: Duration = MAX_WAITING_TIME;
    const RETRY_DELAYS: &'static [Duration] = &[
        Duration::from_secs(2),
        Duration::from_secs(10),
        Duration::from_secs(30),
        Duration::from_secs(90),
        Duration::from_mins(4),
    ];
}

/// The outbox of notifications.
#[derive(Debug, Default)]
pub struct PingOutbox {
    pub(in crate::accounts) queue: OutboxQueue,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::outbox::outbox_queue::tests::stored_bytes;

    #[test]
    fn the_first_format_is_unchanged() {
        let message = SealedPing { sealed: "ab".to_owned() };
        assert_eq!(stored_bytes(message), "010261620280e0998dcc6e");
    }

    #[test]
    fn all_attempts_are_within_the_life_of_a_notification() {
        assert!(SealedPing::RETRY_DELAYS.iter().sum::<Duration>() < SealedPing::TTL);
    }
}
