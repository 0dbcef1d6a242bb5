//! The setup of an invited person: a required authenticator with recovery codes, and the password.
//!
//! The invitation is claimed for two minutes first. The authenticator is written last of what the person sets up, and
//! in one write, so whatever fails before leaves a password at most, which does not sign in without it.

use super::{
    AccountContext, AccountError,
    invitations::{ClaimedInvitation, claim_invitation},
    passkey_enrolment::{NewPasskey, claim_new_passkey, store_new_passkey},
    passwords::{PasswordChoice, save_password},
    recovery_codes::make_recovery_codes,
    totp::{NewApp, store_new_app},
};
use crate::{model::Account, protocol::records::InvitationLink};

/// An authenticator that was proved, and is not stored yet.
#[derive(Clone, Debug)]
pub(crate) enum NewFactor {
    /// An app.
    App(NewApp),
    /// A passkey.
    Passkey(NewPasskey),
}

/// The result of a setup.
#[derive(Clone, Debug)]
pub(crate) enum InvitedSetupResult {
    /// Everything is stored. These are the recovery codes.
    Done(Vec<String>),
    /// The invitation was used before, or is being used.
    Used,
    /// The authenticator cannot be set up: its answer was used before, or it belongs to an account already.
    Refused,
}

/// The place that the passkey challenge of an invitation is made for.
pub(crate) fn place_of_invitation(link: &InvitationLink) -> String {
    // No session has a space in its id.
    format!("invitation {}", link.id)
}

/// Stores what an invited person sets up, and uses the invitation up. If it fails in the middle, the invitation can be
/// used again after two minutes at the latest.
pub(crate) async fn set_up_invited(
    context: AccountContext<'_>,
    (account, link): (&Account, &InvitationLink),
    factor: NewFactor,
    password_hash: Option<&str>,
) -> Result<InvitedSetupResult, AccountError> {
    let Some(claimed) = claim_invitation(context, account, link).await? else {
        return Ok(InvitedSetupResult::Used);
    };
    let stored = store(context, account, factor, password_hash).await;
    finish_claim(context, claimed, matches!(stored, Ok(Some(_)))).await;
    Ok(stored?.map_or(InvitedSetupResult::Refused, InvitedSetupResult::Done))
}

/// Uses a claimed invitation up, or gives it back. If that fails too, the claim expires.
pub(crate) async fn finish_claim(
    context: AccountContext<'_>,
    claimed: ClaimedInvitation,
    is_used: bool,
) {
    let finished =
        if is_used { claimed.use_up(context).await } else { claimed.give_back(context).await };
    if let Err(error) = finished {
        tracing::warn!(%error, "the claim of an invitation could not be finished; it expires within two minutes");
    }
}

/// Stores the password, recovery codes, and the authenticator. Returns the codes; `None` if the authenticator cannot be
/// set up.
async fn store(
    context: AccountContext<'_>,
    account: &Account,
    factor: NewFactor,
    password_hash: Option<&str>,
) -> Result<Option<Vec<String>>, AccountError> {
    if let Some(hash) = password_hash {
        let choice = PasswordChoice::BeforeAuthenticator;
        save_password(context, account, hash.to_owned(), choice).await?;
    }
    let codes = make_recovery_codes(context, account).await?;
    let is_stored = match factor {
        NewFactor::App(app) => store_new_app(context, account, app).await?,
        NewFactor::Passkey(passkey) => {
            claim_new_passkey(context, account, &passkey).await?
                && store_new_passkey(context, account, passkey).await?
        }
    };
    Ok(is_stored.then_some(codes))
}
