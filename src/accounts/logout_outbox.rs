//! The outbox of logout notifications: what is stored and queued. `backchannel_logout` sends them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    outbox::{OutboxMessage, OutboxQueue},
    undelivered_logouts::UndeliveredTracker,
};
use crate::{
    model::{ClientId, UndeliveredReceiver},
    protocol::logout_token,
    store::RecordKind,
};

/// The notification of a client about a session's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LogoutNotification {
    pub(super) client: ClientId,
    pub(super) subject: String,
    pub(super) sid: String,
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
    pub(super) queue: OutboxQueue,
    pub(super) undelivered: UndeliveredTracker,
}

impl LogoutOutbox {
    /// Clients with undelivered notifications, counted from the store, for all replicas.
    pub fn undelivered(&self) -> UndeliveredReceiver {
        self.undelivered.watch()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        accounts::outbox::OutboxEntry, model::Timestamp, protocol::records::encode_record,
    };

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
        let hex: String = encode_record(&entry).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "01097465616d2e73686f7003616461057369642d310280e0998dcc6e");
    }
}
