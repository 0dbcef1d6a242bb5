//! The outbox of mail: what is stored and queued. `mail_delivery` sends it.

use std::time::Duration;

use rustls::RootCertStore;
use serde::{Deserialize, Serialize};

use super::outbox_queue::{OutboxMessage, OutboxQueue};
use crate::{fetch::EgressPolicy, mail::MailTransport, store::RecordKind};

/// A message that is sealed while it waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::accounts) struct SealedMail {
    /// A serialized `WaitingMail`, encrypted with the sealing keys.
    pub(in crate::accounts) sealed: String,
}

impl OutboxMessage for SealedMail {
    const KIND: RecordKind = RecordKind::Mail;
    const TTL: Duration = Duration::from_hours(24);
    const RETRY_DELAYS: &'static [Duration] = &[
        Duration::from_mins(1),
        Duration::from_mins(5),
        Duration::from_mins(15),
        Duration::from_hours(1),
        Duration::from_hours(3),
        Duration::from_hours(8),
    ];
}

/// The outbox of mail, and the way to mail servers.
#[derive(Debug)]
pub struct MailOutbox {
    pub(in crate::accounts) queue: OutboxQueue,
    pub(in crate::accounts) transport: MailTransport,
}

impl Default for MailOutbox {
    /// No mail server has a private address, and none can be verified.
    fn default() -> Self {
        let transport = MailTransport::new(EgressPolicy::default(), RootCertStore::empty());
        Self { queue: OutboxQueue::default(), transport }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::outbox::outbox_queue::tests::stored_bytes;

    #[test]
    fn the_first_format_is_unchanged() {
        let message = SealedMail { sealed: "ab".to_owned() };
        assert_eq!(stored_bytes(message), "010261620280e0998dcc6e");
    }

    #[test]
    fn all_attempts_are_within_the_life_of_a_message() {
        assert!(SealedMail::RETRY_DELAYS.iter().sum::<Duration>() < SealedMail::TTL);
    }
}
