//! The results of changes on the account page.

use crate::{http::Reply, protocol::records::Session};

/// The result of a change.
#[derive(Debug)]
pub(super) enum ChangeResult {
    /// The page, with a notice.
    Done(AccountNotice),
    /// The browser has no session any more.
    SignedOut(Box<Session>),
    /// A page of its own.
    Page(Box<Reply>),
    /// The form was open for too long.
    Expired,
}

/// A notice on the account page about what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AccountNotice {
    /// Another session has ended.
    SessionEnded,
    /// An application may do nothing any more.
    AccessWithdrawn,
    /// There was an authenticator app already.
    AuthenticatorExists,
    /// The authenticator app is removed.
    AuthenticatorRemoved,
    /// A passkey is set up.
    PasskeySetUp,
    /// The passkey was set up before, or there are too many.
    PasskeyExists,
    /// A passkey has another name.
    PasskeyRenamed,
    /// A passkey is removed.
    PasskeyRemoved,
    /// The password is changed.
    PasswordChanged,
}

impl AccountNotice {
    /// The notices.
    const ALL: [Self; 9] = [
        Self::SessionEnded,
        Self::AccessWithdrawn,
        Self::AuthenticatorExists,
        Self::AuthenticatorRemoved,
        Self::PasskeySetUp,
        Self::PasskeyExists,
        Self::PasskeyRenamed,
        Self::PasskeyRemoved,
        Self::PasswordChanged,
    ];

    /// The value of the page's parameter `done`.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::SessionEnded => "session",
            Self::AccessWithdrawn => "access",
            Self::AuthenticatorExists => "authenticator-exists",
            Self::AuthenticatorRemoved => "authenticator-removed",
            Self::PasskeySetUp => "passkey-set-up",
            Self::PasskeyExists => "passkey-exists",
            Self::PasskeyRenamed => "passkey-renamed",
            Self::PasskeyRemoved => "passkey-removed",
            Self::PasswordChanged => "password",
        }
    }

    /// The notice in words.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::SessionEnded => "The session has ended.",
            Self::AccessWithdrawn => {
                "The access was withdrawn. The application asks you again when you next use it."
            }
            Self::AuthenticatorExists => {
                "You have an authenticator app already. Remove it first to set up another one."
            }
            Self::AuthenticatorRemoved => {
                "The authenticator app was removed, and you were signed out everywhere else."
            }
            Self::PasskeySetUp => {
                "The passkey is set up. You were signed out in all other browsers."
            }
            Self::PasskeyExists => {
                "The passkey was not added: it is set up already, or you have sixteen of them."
            }
            Self::PasskeyRenamed => "The passkey has its new name.",
            Self::PasskeyRemoved => {
                "The passkey was removed, and you were signed out everywhere else."
            }
            Self::PasswordChanged => {
                "Your password was changed, and you were signed out everywhere else."
            }
        }
    }

    /// The notice of a value.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.as_str() == text)
    }
}
