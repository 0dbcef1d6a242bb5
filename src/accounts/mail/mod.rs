//! Delivery of mail from the outbox: its texts, and the attempts at the servers of tenants.
//!
//! Must not: decide who gets mail. Messages are stored by `outbox`, `passwords` and `invitations`.

pub(super) mod mail_delivery;
mod mail_slots;
mod mail_texts;
