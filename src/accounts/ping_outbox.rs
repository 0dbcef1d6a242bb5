//! The outbox of notifications that a person has answered a request over the backchannel (CIBA Core §10.2): what is
//! stored and queued. `ping_delivery` sends it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::outbox::{OutboxMessage, OutboxQueue};
use crate::{protocol::cross_device::MAX_WAITING_TIME, store::RecordKind};

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
