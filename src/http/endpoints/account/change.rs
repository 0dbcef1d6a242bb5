//! The changes that the forms of the account page make.

use crate::{
    accounts::{
        AccountContext,
        account_sign_out::{end_other_session, sign_out_everywhere, withdraw_access},
        sessions::{self, ActiveSession},
    },
    http::EndpointError,
    model::LogoutKind,
    protocol::{
        error::{ErrorCode, OAuthError},
        params::RequestParams,
        records::Session,
    },
};

/// A change that a person asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AccountChange<'a> {
    /// Sign out in this browser.
    SignOut,
    /// Sign out everywhere.
    SignOutEverywhere,
    /// End another session, by its `sid`.
    EndSession(&'a str),
    /// Withdraw what an application may do, by its `client_id`.
    Withdraw(&'a str),
}

/// The result of a change.
#[derive(Debug)]
pub(super) enum ChangeResult {
    /// The page, with a notice.
    Done(AccountNotice),
    /// The browser has no session any more.
    SignedOut(Box<Session>),
}

/// A notice on the account page about what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AccountNotice {
    /// Another session has ended.
    SessionEnded,
    /// An application may do nothing any more.
    AccessWithdrawn,
}

impl<'a> AccountChange<'a> {
    /// The change of a form.
    pub(super) fn read(
        form: &'a RequestParams,
        active: &ActiveSession,
    ) -> Result<Self, EndpointError> {
        if let Some(sid) = form.get("session") {
            let is_own = sid == active.session.sid;
            return Ok(if is_own { Self::SignOut } else { Self::EndSession(sid) });
        }
        if let Some(client) = form.get("application") {
            return Ok(Self::Withdraw(client));
        }
        match form.get("action") {
            Some("sign-out") => Ok(Self::SignOut),
            Some("sign-out-everywhere") => Ok(Self::SignOutEverywhere),
            _ => Err(OAuthError::new(
                ErrorCode::InvalidRequest,
                "The form names nothing that the account page can change.",
            )
            .into()),
        }
    }

    /// Whether the person has to have signed in within the last minutes: for all that reaches beyond
    /// this browser.
    pub(super) const fn wants_fresh_sign_in(self) -> bool {
        !matches!(self, Self::SignOut)
    }
}

impl AccountNotice {
    /// The notices.
    const ALL: [Self; 2] = [Self::SessionEnded, Self::AccessWithdrawn];

    /// The value of the page's parameter `done`.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::SessionEnded => "session",
            Self::AccessWithdrawn => "access",
        }
    }

    /// The notice in words.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::SessionEnded => "The session has ended.",
            Self::AccessWithdrawn => {
                "The access was withdrawn. The application asks you again when you next use it."
            }
        }
    }

    /// The notice of a value.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.as_str() == text)
    }
}

/// Makes a change. One that was made before is done too.
pub(super) async fn apply_change(
    context: AccountContext<'_>,
    active: &ActiveSession,
    change: AccountChange<'_>,
) -> Result<ChangeResult, EndpointError> {
    Ok(match change {
        AccountChange::SignOut => {
            let cause = (LogoutKind::AccountPage, None);
            ChangeResult::SignedOut(Box::new(sessions::end_session(context, active, cause).await?))
        }
        AccountChange::SignOutEverywhere => {
            ChangeResult::SignedOut(Box::new(sign_out_everywhere(context, active).await?))
        }
        AccountChange::EndSession(sid) => {
            end_other_session(context, active, sid).await?;
            ChangeResult::Done(AccountNotice::SessionEnded)
        }
        AccountChange::Withdraw(client_id) => {
            if let Some(client) = context.tenant.client(client_id) {
                withdraw_access(context, active, client).await?;
            }
            ChangeResult::Done(AccountNotice::AccessWithdrawn)
        }
    })
}
