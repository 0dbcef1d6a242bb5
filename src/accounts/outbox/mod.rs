//! Messages that are stored until they are delivered: the queue, what each kind of message stores, and the delivery of
//! logout notifications and pings (docs/adr/0023-messages-are-delivered-from-an-outbox.md).
//!
//! Must not: end sessions or answer requests. `mail` delivers the mail that is stored here.

pub(super) mod backchannel_logout;
pub(super) mod logout_outbox;
pub(crate) mod mail_notices;
pub(super) mod mail_outbox;
pub(super) mod mail_queue;
pub(super) mod notice_limit;
pub(super) mod outbox_queue;
pub(super) mod ping_delivery;
pub(super) mod ping_outbox;
pub(super) mod pings;
mod undelivered_logouts;
mod unscheduled_logouts;
