//! The setup of an invited person: a required authenticator with recovery codes, and the password.
//!
//! The invitation is claimed for two minutes first. The authenticator is written last, in one write. If that fails,
//! the earlier password is put back.

use super::{
    AccountContext, AccountError,
    invitations::{ClaimedInvitation, claim_invitation},
    invited_credentials::InvitedCredentials,
    passkey_enrolment::{NewPasskey, claim_new_passkey, store_new_passkey},
    passwords::{PasswordChoice, save_password},
    recovery_codes::make_first_recovery_codes,
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
    /// Everything is stored. These are the recovery codes; `None` for a person who has some already, or could not use
    /// any.
    Done(Option<Vec<String>>),
    /// The invitation was used before, or is being used.
    Used,
    /// The authenticator cannot be set up: its answer was used before, or it belongs to an account already.
    Refused,
    /// The store failed after the password was stored, and before the authenticator was. The password from before could
    /// not be put back.
    OnlyPassword,
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
    let stored = store(context, (account, link), factor, password_hash).await;
    finish_claim(context, claimed, matches!(stored, Ok(InvitedSetupResult::Done(_)))).await;
    stored
}

/// Uses a claimed invitation up, or gives it back. If that fails too, the claim expires; what was set up with the
/// invitation names it, so that it stays used.
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

/// Stores the recovery codes, the password and the authenticator. Codes count with an authenticator only, so those that are
/// left over do no harm.
async fn store(
    context: AccountContext<'_>,
    (account, link): (&Account, &InvitationLink),
    factor: NewFactor,
    password_hash: Option<&str>,
) -> Result<InvitedSetupResult, AccountError> {
    if let NewFactor::Passkey(passkey) = &factor
        && !claim_new_passkey(context, account, passkey).await?
    {
        return Ok(InvitedSetupResult::Refused);
    }
    let codes = make_first_recovery_codes(context, account).await?;
    let password = match password_hash {
        Some(hash) => {
            let choice = PasswordChoice::BeforeAuthenticator;
            Some(save_password(context, account, hash.to_owned(), choice).await?)
        }
        None => None,
    };
    let stored = match factor {
        NewFactor::App(app) => store_new_app(context, account, app, Some(&link.id)).await,
        NewFactor::Passkey(passkey) => store_new_passkey(context, account, passkey).await,
    };
    // The store may have written it, and its answer was lost.
    if matches!(stored, Ok(true))
        || InvitedCredentials::of_link(context, link).has_authenticator().await.unwrap_or_default()
    {
        return Ok(InvitedSetupResult::Done(codes));
    }
    if let Some(password) = password
        && let Err(error) = password.undo(context).await
    {
        tracing::warn!(%error, "the authenticator of an invitation could not be stored, nor could the password be put back");
        return Ok(InvitedSetupResult::OnlyPassword);
    }
    stored.map(|_| InvitedSetupResult::Refused)
}
