//! The authenticators that a tenant requires of everyone (docs/second-factors.md#required).

use super::{AccountContext, AccountError, passkeys::load_passkeys, totp::load_totp};
use crate::model::{Account, RequiredFactor};

/// A required authenticator that a person has not set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MissingFactor {
    /// An authenticator app.
    App,
    /// A passkey.
    Passkey,
}

/// The required authenticator that a person has not set up, if there is one. A passkey is accepted in place of an app.
pub(crate) async fn missing_factor(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<Option<MissingFactor>, AccountError> {
    let Some(required) = context.tenant.tenant.authenticators.required() else { return Ok(None) };
    if !load_passkeys(context, account).await?.is_empty() {
        return Ok(None);
    }
    Ok(match required {
        RequiredFactor::Passkey => Some(MissingFactor::Passkey),
        RequiredFactor::SecondFactor if load_totp(context, account).await?.is_some() => None,
        RequiredFactor::SecondFactor => Some(MissingFactor::App),
    })
}

/// An authenticator that a person wants to remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RemovedFactor {
    /// The authenticator app.
    App,
    /// A passkey.
    Passkey,
}

/// Returns true if the person would lack a required authenticator without this one.
pub(crate) async fn is_last_required_factor(
    context: AccountContext<'_>,
    account: &Account,
    removed: RemovedFactor,
) -> Result<bool, AccountError> {
    let Some(required) = context.tenant.tenant.authenticators.required() else { return Ok(false) };
    let passkeys = load_passkeys(context, account).await?.len();
    Ok(match (required, removed) {
        (RequiredFactor::Passkey, RemovedFactor::App) => false,
        (RequiredFactor::Passkey, RemovedFactor::Passkey) => passkeys <= 1,
        (RequiredFactor::SecondFactor, RemovedFactor::App) => passkeys == 0,
        (RequiredFactor::SecondFactor, RemovedFactor::Passkey) => {
            passkeys <= 1 && load_totp(context, account).await?.is_none()
        }
    })
}
