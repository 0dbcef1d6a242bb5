//! The results of changes on the account page.

use crate::{http::Reply, messages::MessageCatalog, protocol::records::Session};

/// The result of a change.
#[derive(Debug)]
pub(super) enum AccountChangeResult {
    /// The page, with a notice.
    Done(AccountNotice),
    /// The browser has no session any more.
    SignedOut(Box<Session>),
    /// A separate page.
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
    /// The person had an authenticator app already.
    AuthenticatorExists,
    /// The authenticator app is removed.
    AuthenticatorRemoved,
    /// An authenticator app is set up.
    AuthenticatorSetUp,
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
    /// An authenticator is set up, and another page has made the recovery codes.
    CodesOfOtherPage,
    /// The last authenticator is not removed that the tenant requires.
    RequiredFactorKept,
    /// A request over the backchannel is allowed.
    RequestAllowed,
    /// A request over the backchannel is refused.
    RequestRefused,
    /// A request over the backchannel needs another sign-in.
    RequestUnmet,
    /// A request over the backchannel was answered before, or has expired.
    RequestOver,
}

impl AccountNotice {
    /// Every notice, to find the notice that a query parameter names.
    const ALL: [Self; 16] = [
        Self::SessionEnded,
        Self::AccessWithdrawn,
        Self::AuthenticatorExists,
        Self::AuthenticatorRemoved,
        Self::AuthenticatorSetUp,
        Self::PasskeySetUp,
        Self::PasskeyExists,
        Self::PasskeyRenamed,
        Self::PasskeyRemoved,
        Self::PasswordChanged,
        Self::CodesOfOtherPage,
        Self::RequiredFactorKept,
        Self::RequestAllowed,
        Self::RequestRefused,
        Self::RequestUnmet,
        Self::RequestOver,
    ];

    /// The value of the page's parameter `done`.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::SessionEnded => "session",
            Self::AccessWithdrawn => "access",
            Self::AuthenticatorExists => "authenticator-exists",
            Self::AuthenticatorRemoved => "authenticator-removed",
            Self::AuthenticatorSetUp => "authenticator-set-up",
            Self::PasskeySetUp => "passkey-set-up",
            Self::PasskeyExists => "passkey-exists",
            Self::PasskeyRenamed => "passkey-renamed",
            Self::PasskeyRemoved => "passkey-removed",
            Self::PasswordChanged => "password",
            Self::CodesOfOtherPage => "codes-of-other-page",
            Self::RequiredFactorKept => "required-factor-kept",
            Self::RequestAllowed => "request-allowed",
            Self::RequestRefused => "request-refused",
            Self::RequestUnmet => "request-unmet",
            Self::RequestOver => "request-over",
        }
    }

    /// The notice in words.
    pub(super) fn in_words(self, text: &MessageCatalog) -> &str {
        match self {
            Self::SessionEnded => text.session_ended(),
            Self::AccessWithdrawn => text.access_withdrawn(),
            Self::AuthenticatorExists => text.app_exists(),
            Self::AuthenticatorRemoved => text.app_removed(),
            Self::AuthenticatorSetUp => text.app_is_set_up(),
            Self::PasskeySetUp => text.passkey_is_set_up(),
            Self::PasskeyExists => text.passkey_exists(),
            Self::PasskeyRenamed => text.passkey_renamed(),
            Self::PasskeyRemoved => text.passkey_removed(),
            Self::PasswordChanged => text.password_changed(),
            Self::CodesOfOtherPage => text.codes_of_other_page(),
            Self::RequiredFactorKept => text.required_factor_kept(),
            Self::RequestAllowed => text.request_allowed(),
            Self::RequestRefused => text.request_refused(),
            Self::RequestUnmet => text.request_unmet(),
            Self::RequestOver => text.request_over(),
        }
    }

    /// The notice of a value.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.as_str() == text)
    }
}
