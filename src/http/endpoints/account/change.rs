//! The changes that the forms of the account page make.

use super::{
    authenticator_app::{AuthenticatorSetupResult, confirm_setup, remove_app, show_new_codes},
    change_result::{AccountChangeResult, AccountNotice},
    passkeys::{confirm_passkey, remove_own_passkey, rename_own_passkey},
    password::{PasswordChangeResult, change_password},
    waiting_requests::begin_answer,
};
use crate::{
    accounts::{
        factors::{
            passkeys::load_passkeys,
            required_factors::{RemovedFactor, is_last_required_factor},
            totp::load_totp,
        },
        grants::account_sign_out::{end_other_session, sign_out_everywhere, withdraw_access},
        sessions::active_session::{self, ActiveSession},
    },
    http::{AppState, EndpointError, Request},
    model::LogoutKind,
    protocol::{
        error::{ErrorCode, OAuthError},
        params::RequestParams,
    },
};

/// A change that a person asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AccountChange<'a> {
    /// Sign out in this browser.
    SignOut,
    /// End all sessions and all grants of the user.
    SignOutEverywhere,
    /// End another session, by its `sid`.
    EndSession(&'a str),
    /// Withdraw what an application may do, by its `client_id`.
    Withdraw(&'a str),
    /// Set up an authenticator app, whose code confirms it.
    ConfirmAuthenticatorApp,
    /// Remove the authenticator app.
    RemoveAuthenticatorApp,
    /// Make new recovery codes.
    MakeRecoveryCodes,
    /// Set up a passkey, which the browser has made.
    ConfirmPasskey,
    /// Give a passkey another name, by its id.
    RenamePasskey(&'a str),
    /// Remove a passkey, by its id.
    RemovePasskey(&'a str),
    /// Choose a new password, which ends all other sessions.
    ChangePassword,
    /// Answer a request over the backchannel, by its id. The consent page checks the sign-in that the request needs.
    AnswerRequest(&'a str),
}

/// The authenticator app in parameters of the page.
pub(super) const AUTHENTICATOR_APP: &str = "authenticator-app";
/// A passkey in parameters of the page.
pub(super) const PASSKEY: &str = "passkey";
/// The password in parameters of the page.
pub(super) const PASSWORD: &str = "password";

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
        if let Some(id) = form.get("request") {
            return Ok(Self::AnswerRequest(id));
        }
        if let Some(client) = form.get("application") {
            return Ok(Self::Withdraw(client));
        }
        match form.get("action") {
            Some("sign-out") => Ok(Self::SignOut),
            Some("sign-out-everywhere") => Ok(Self::SignOutEverywhere),
            Some("confirm-authenticator-app") => Ok(Self::ConfirmAuthenticatorApp),
            Some("new-recovery-codes") => Ok(Self::MakeRecoveryCodes),
            Some("change-password") => Ok(Self::ChangePassword),
            Some("remove-authenticator-app") => Ok(Self::RemoveAuthenticatorApp),
            Some("confirm-passkey") => Ok(Self::ConfirmPasskey),
            Some("rename-passkey") => Ok(Self::RenamePasskey(form.require(PASSKEY)?)),
            Some("remove-passkey") => Ok(Self::RemovePasskey(form.require(PASSKEY)?)),
            _ => Err(OAuthError::new(
                ErrorCode::InvalidRequest,
                "The form names nothing that the account page can change.",
            )
            .into()),
        }
    }

    /// Whether the person has to have signed in within the last minutes: for all that reaches beyond
    /// this browser. The page for setting up an authenticator has wanted it, and contains the proof.
    pub(super) const fn wants_fresh_sign_in(self) -> bool {
        !matches!(
            self,
            Self::SignOut
                | Self::ConfirmAuthenticatorApp
                | Self::ConfirmPasskey
                | Self::AnswerRequest(_)
        )
    }
}

/// Makes new recovery codes, for a person who has an app or a passkey, and could use them.
async fn replace_recovery_codes(
    app: &AppState,
    request: &Request,
    active: &ActiveSession,
) -> Result<AccountChangeResult, EndpointError> {
    let context = app.context(request);
    let account = &active.account;
    let has_none = load_totp(context, account).await?.is_none()
        && load_passkeys(context, account).await?.is_empty();
    if has_none || account.signs_in_by_passkey_alone() {
        return Ok(AccountChangeResult::Expired);
    }
    let notice = request.text().codes_replaced();
    let page = show_new_codes((context, request), active, notice).await?;
    Ok(AccountChangeResult::Page(Box::new(page)))
}

/// Removes a passkey, by its id, or the authenticator app, unless it is the last one that the tenant requires.
async fn remove_factor(
    (app, request): (&AppState, &Request),
    active: &ActiveSession,
    passkey: Option<&str>,
) -> Result<AccountNotice, EndpointError> {
    let context = app.context(request);
    let removed = passkey.map_or(RemovedFactor::App, RemovedFactor::Passkey);
    if is_last_required_factor(context, &active.account, removed).await? {
        return Ok(AccountNotice::RequiredFactorKept);
    }
    if let Some(id) = passkey {
        remove_own_passkey(app, request, active, id).await?;
        return Ok(AccountNotice::PasskeyRemoved);
    }
    remove_app(context, active).await?;
    Ok(AccountNotice::AuthenticatorRemoved)
}

/// Makes a change. One that was made before is done too.
pub(super) async fn apply_change(
    (app, request): (&AppState, &Request),
    active: &ActiveSession,
    (change, form): (AccountChange<'_>, &RequestParams),
) -> Result<AccountChangeResult, EndpointError> {
    let context = app.context(request);
    Ok(match change {
        AccountChange::ConfirmAuthenticatorApp => {
            match confirm_setup(app, request, active, form).await? {
                AuthenticatorSetupResult::AlreadyEnrolled => {
                    AccountChangeResult::Done(AccountNotice::AuthenticatorExists)
                }
                AuthenticatorSetupResult::Page(page) => AccountChangeResult::Page(page),
                AuthenticatorSetupResult::Expired => AccountChangeResult::Expired,
            }
        }
        AccountChange::MakeRecoveryCodes => replace_recovery_codes(app, request, active).await?,
        AccountChange::ChangePassword => {
            match change_password((app, request), active, form).await? {
                PasswordChangeResult::Changed => {
                    AccountChangeResult::Done(AccountNotice::PasswordChanged)
                }
                PasswordChangeResult::NotPossible => AccountChangeResult::Expired,
                PasswordChangeResult::Page(page) => AccountChangeResult::Page(page),
            }
        }
        AccountChange::RemoveAuthenticatorApp => {
            AccountChangeResult::Done(remove_factor((app, request), active, None).await?)
        }
        AccountChange::ConfirmPasskey => confirm_passkey((app, request), active, form).await?,
        AccountChange::RenamePasskey(id) => {
            let typed = form.get("name").unwrap_or_default();
            rename_own_passkey((app, request), active, (id, typed)).await?
        }
        AccountChange::RemovePasskey(id) => {
            AccountChangeResult::Done(remove_factor((app, request), active, Some(id)).await?)
        }
        AccountChange::AnswerRequest(id) => {
            AccountChangeResult::Page(Box::new(begin_answer((app, request), active, id).await?))
        }
        AccountChange::SignOut => {
            let cause = (LogoutKind::AccountPage, None);
            AccountChangeResult::SignedOut(Box::new(
                active_session::end_session(context, active, cause).await?,
            ))
        }
        AccountChange::SignOutEverywhere => {
            AccountChangeResult::SignedOut(Box::new(sign_out_everywhere(context, active).await?))
        }
        AccountChange::EndSession(sid) => {
            end_other_session(context, active, sid).await?;
            AccountChangeResult::Done(AccountNotice::SessionEnded)
        }
        AccountChange::Withdraw(client_id) => {
            if let Some(client) = context.tenant.client(client_id) {
                withdraw_access(context, active, &client).await?;
            }
            AccountChangeResult::Done(AccountNotice::AccessWithdrawn)
        }
    })
}
