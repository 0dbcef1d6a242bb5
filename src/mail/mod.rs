//! Mail that tenants send: messages as text, and the servers that they are handed to (SMTP, RFC 5321).
//!
//! `lettre` writes messages. Lanyard has its own SMTP client: `docs/adr/0033-smtp-dialogue-is-our-own.md` has the
//! reasons. Every step is bounded in size, and the whole in time.
//!
//! Must not: know why a message is sent, or retry.

mod error;
mod message;
mod network;
mod reply;
mod smtp;
mod transport;

pub use error::MailError;
pub use message::{MailText, RenderedMail, render_mail};
pub use transport::MailTransport;
