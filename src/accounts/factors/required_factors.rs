//! The authenticators that a tenant requires of everyone (docs/second-factors.md#required).

use super::{
    passkeys::{StoredPasskey, load_passkeys},
    totp::load_totp,
};
use crate::{
    accounts::{AccountContext, AccountError},
    model::{Account, RequiredFactor},
    protocol::account_change::AccountChangeProof,
};

/// A required authenticator that a user has not set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MissingFactor {
    /// An authenticator app, because the tenant has `totp: Required`.
    App,
    /// A passkey, because the tenant has `passkeys: Required`.
    Passkey,
}

/// The required authenticator that a user has not set up, if one is missing. A passkey is accepted in place of an app.
pub(crate) async fn missing_factor(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<Option<MissingFactor>, AccountError> {
    let Some(required) = context.tenant.tenant.authenticators.required() else { return Ok(None) };
    if load_passkeys(context, account).await?.iter().any(StoredPasskey::is_usable) {
        return Ok(None);
    }
    Ok(match required {
        RequiredFactor::Passkey => Some(MissingFactor::Passkey),
        RequiredFactor::SecondFactor if load_totp(context, account).await?.is_some() => None,
        RequiredFactor::SecondFactor => Some(MissingFactor::App),
    })
}

/// An authenticator that a user wants to remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RemovedFactor<'a> {
    /// The authenticator app, of which a user has at most one.
    App,
    /// A passkey, by its id on the account page.
    Passkey(&'a str),
}

/// Returns true if the user would lack a required authenticator after the removal. A passkey that was copied does not
/// suffice.
pub(crate) async fn is_last_required_factor(
    context: AccountContext<'_>,
    account: &Account,
    removed: RemovedFactor<'_>,
) -> Result<bool, AccountError> {
    let Some(required) = context.tenant.tenant.authenticators.required() else { return Ok(false) };
    let passkeys = load_passkeys(context, account).await?;
    let stays = |it: &StoredPasskey| it.is_usable() && removed != RemovedFactor::Passkey(it.id());
    let has_passkey = passkeys.iter().any(stays);
    Ok(match (required, removed) {
        (RequiredFactor::Passkey, RemovedFactor::App) => false,
        (RequiredFactor::Passkey, RemovedFactor::Passkey(_))
        | (RequiredFactor::SecondFactor, RemovedFactor::App) => !has_passkey,
        (RequiredFactor::SecondFactor, RemovedFactor::Passkey(_)) => {
            !has_passkey && load_totp(context, account).await?.is_none()
        }
    })
}

/// The proof that a person gives before something is changed on the account page. Where all passkeys were copied, the
/// app or a recovery code gives it.
pub(crate) fn proof_for_changes(has_app: bool, passkeys: &[StoredPasskey]) -> AccountChangeProof {
    if passkeys.iter().any(StoredPasskey::is_usable) {
        AccountChangeProof::Passkey
    } else if has_app || !passkeys.is_empty() {
        AccountChangeProof::SecondFactor
    } else {
        AccountChangeProof::SignIn
    }
}
