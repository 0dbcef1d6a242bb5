//! The outbox of logout notifications: what is stored and queued. `backchannel_logout` sends them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    outbox_queue::{OutboxMessage, OutboxQueue},
    undelivered_logouts::UndeliveredTracker,
};
use crate::{
    model::{ClientId, UndeliveredReceiver},
    store::RecordKind,
};

/// The notification of a client about a session's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::accounts) struct LogoutNotification {
    pub(in crate::accounts) client: ClientId,
    pub(in crate::accounts) subject: String,
    pub(in crate::accounts) sid: String,
}

impl OutboxMessage for LogoutNotification {
    const KIND: RecordKind = RecordKind::Logout;
    const TTL: Duration = Duration::from_hours(3);
    /// The last attempt is more than an hour after the first, so a client may be down for an hour.
    const RETRY_DELAYS: &'static [Duration] = &[
        Duration::from_secs(5),
        Duration::from_secs(30),
        Duration::from_mins(2),
        Duration::from_mins(10),
        Duration::from_hours(1),
    ];
}

/// The outbox of logout notifications, and the tracker of its failures.
#[derive(Debug, Default)]
pub struct LogoutOutbox {
    pub(in crate::accounts) queue: OutboxQueue,
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
    use crate::accounts::outbox::outbox_queue::tests::stored_bytes;

    #[test]
    fn retries_end_after_more_than_an_hour() {
        let all: Duration = (1..).map_while(LogoutNotification::retry_delay).sum();
        assert!(all > Duration::from_hours(1) && all < Duration::from_hours(2));
        let first = LogoutNotification::retry_delay(0);
        assert_eq!(first, None, "no delay before the first attempt");
    }

    #[test]
    fn the_first_notification_format_is_unchanged() {
        let notification = LogoutNotification {
            client: ClientId::new("team.shop"),
            subject: "ada".to_owned(),
            sid: "sid-1".to_owned(),
        };
        let expected = "01097465616d2e73686f7003616461057369642d310280e0998dcc6e";
        assert_eq!(stored_bytes(notification), expected);
    }
}
