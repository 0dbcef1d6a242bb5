//! Why a message could not be handed to a server. No text has a secret, or what a server said.

use crate::model::ErrorCause;

/// A message could not be handed to the server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The message cannot be written.
    #[error("the message cannot be written: {0}")]
    Message(ErrorCause),
    /// The recipient's address is not one that mail can be sent to.
    #[error("the address of the person cannot receive mail")]
    Address,
    /// The name of the host has no IP address.
    #[error("the host of the mail server is unknown")]
    UnknownHost,
    /// The address of the host may not be called.
    #[error("the mail server has an address that may not be called")]
    ForbiddenAddress,
    /// The address of the host may not be called without TLS.
    #[error(
        "the mail server has a public address, which requires TLS; set spec.mail.tls to StartTls or Implicit"
    )]
    Unencrypted,
    /// The connection could not be made, or ended.
    #[error("no connection to the mail server: {0}")]
    Unreachable(ErrorCause),
    /// The certificate of the server, or its TLS.
    #[error("no TLS with the mail server: {0}")]
    Tls(ErrorCause),
    /// The server does not offer STARTTLS.
    #[error("the mail server does not offer STARTTLS")]
    NoStartTls,
    /// The server offers no way to sign in that is known here.
    #[error("the mail server offers neither AUTH PLAIN nor AUTH LOGIN")]
    NoAuth,
    /// The server said something that is not SMTP, or too much.
    #[error("the mail server does not answer {0} as SMTP servers do")]
    Malformed(&'static str),
    /// The server refused a step.
    #[error("the mail server refuses {step}: {code}")]
    Refused {
        /// The step of the SMTP dialogue, in words.
        step: &'static str,
        /// The code of the reply.
        code: u16,
    },
    /// The server took longer than this many seconds.
    #[error("the mail server took longer than {0} seconds")]
    Late(u64),
}

/// The step that names the recipient.
pub(super) const RECIPIENT: &str = "the recipient";
/// The step that signs in at the server.
pub(super) const AUTHENTICATION: &str = "the account";

impl MailError {
    /// Returns true if the server, or the address itself, refuses the person for good (RFC 5321 §4.2.1).
    pub fn is_about_recipient(&self) -> bool {
        match self {
            Self::Address => true,
            Self::Refused { step, code } => *step == RECIPIENT && *code >= 500,
            _ => false,
        }
    }

    /// Returns true if the server refuses the account of the tenant.
    pub fn is_about_account(&self) -> bool {
        match self {
            Self::NoAuth => true,
            Self::Refused { step, code } => *step == AUTHENTICATION && *code >= 500,
            _ => false,
        }
    }
}
