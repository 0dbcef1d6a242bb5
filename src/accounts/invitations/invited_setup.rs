//! The setup of an invited person: a required authenticator with recovery codes, and the password.
//!
//! The invitation is claimed for two minutes first. The authenticator is written last of what the person sets up, and
//! in one write; if it is not stored, or if another page has got the invitation in the meantime, the password from
//! before is put back.

use super::invited_credentials::InvitedCredentials;
use crate::{
    accounts::{
        AccountContext, AccountError,
        factors::{
            passkey_enrolment::{NewPasskey, claim_new_passkey, store_new_passkey},
            recovery_codes::{NewRecoveryCodes, make_first_recovery_codes},
            totp::{ProvedTotp, store_new_app},
        },
        passwords::chosen_passwords::{PasswordChoice, save_password},
        records::invitation_claim::{ClaimedInvitation, claim_invitation},
    },
    model::Account,
    protocol::records::InvitationLink,
};

/// An authenticator that was proved, and is not stored yet.
#[derive(Clone, Debug)]
pub(crate) enum NewFactor {
    /// An authenticator app whose first code was right.
    App(ProvedTotp),
    /// A passkey whose answer to the challenge was right.
    Passkey(NewPasskey),
}

/// The result of a setup.
#[derive(Clone, Debug)]
pub(crate) enum InvitedSetupResult {
    /// Everything is stored, with these recovery codes.
    Done(NewRecoveryCodes),
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

/// Stores the password of an invited person who sets nothing else up, and uses the invitation up. Returns false if the
/// invitation was used before, or another page uses it.
pub(crate) async fn set_up_password(
    context: AccountContext<'_>,
    (account, link): (&Account, &InvitationLink),
    hash: String,
) -> Result<bool, AccountError> {
    let Some(claimed) = claim_invitation(context, account, link).await? else { return Ok(false) };
    let stored = store_password(context, (account, link), &claimed, hash).await;
    finish_claim(context, claimed, matches!(stored, Ok(true))).await;
    stored
}

/// Stores the password. The password from before is restored if another page has claimed the invitation in the
/// meantime.
async fn store_password(
    context: AccountContext<'_>,
    (account, link): (&Account, &InvitationLink),
    claimed: &ClaimedInvitation,
    hash: String,
) -> Result<bool, AccountError> {
    let choice = PasswordChoice::Invitation(&link.id);
    let saved = save_password(context, account, hash, choice).await?;
    let is_held = claimed.is_held(context).await;
    if !matches!(is_held, Ok(true)) {
        saved.undo(context).await?;
    }
    is_held
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
    let stored = store(context, (account, link), (&claimed, factor), password_hash).await;
    finish_claim(context, claimed, matches!(stored, Ok(InvitedSetupResult::Done(_)))).await;
    stored
}

/// Uses a claimed invitation up, or gives it back. If that fails too, the claim expires; what was set up with the
/// invitation names it, so that it stays used.
async fn finish_claim(context: AccountContext<'_>, claimed: ClaimedInvitation, is_used: bool) {
    let finished =
        if is_used { claimed.use_up(context).await } else { claimed.give_back(context).await };
    if let Err(error) = finished {
        tracing::warn!(%error, "the claim of an invitation could not be finished; it expires within two minutes");
    }
}

/// Stores the recovery codes, the password and the authenticator. Codes are valid only together with an authenticator,
/// so those that are left over do no harm.
async fn store(
    context: AccountContext<'_>,
    (account, link): (&Account, &InvitationLink),
    (claimed, factor): (&ClaimedInvitation, NewFactor),
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
    let unstored = match store_factor(context, (account, link), (claimed, factor)).await {
        Ok(None) => return Ok(InvitedSetupResult::Done(codes.confirm(context, account).await)),
        Ok(Some(reason)) => Ok(reason),
        Err(error) => Err(error),
    };
    if let Some(password) = password
        && let Err(error) = password.undo(context).await
    {
        tracing::warn!(%error, "the authenticator of an invitation could not be stored, nor could the password be put back");
        return Ok(InvitedSetupResult::OnlyPassword);
    }
    unstored
}

/// Stores the authenticator, or returns the reason why it is not stored.
async fn store_factor(
    context: AccountContext<'_>,
    (account, link): (&Account, &InvitationLink),
    (claimed, factor): (&ClaimedInvitation, NewFactor),
) -> Result<Option<InvitedSetupResult>, AccountError> {
    // The password was written after the claim, and may have replaced that of another page.
    if !claimed.is_held(context).await? {
        return Ok(Some(InvitedSetupResult::Used));
    }
    let stored = match factor {
        NewFactor::App(app) => store_new_app(context, account, app, Some(&link.id)).await,
        NewFactor::Passkey(passkey) => store_new_passkey(context, account, passkey).await,
    };
    let is_held = claimed.is_held(context).await.unwrap_or_default();
    match stored {
        Ok(true) => Ok(None),
        Ok(false) if is_held => Ok(Some(InvitedSetupResult::Refused)),
        // The authenticator that is stored is that of another page.
        Ok(false) => Ok(Some(InvitedSetupResult::Used)),
        Err(error) => {
            // The store may have written it, and its answer was lost.
            let credentials = InvitedCredentials::of_link(context, link);
            let is_stored = is_held && credentials.has_authenticator().await.unwrap_or_default();
            if is_stored { Ok(None) } else { Err(error) }
        }
    }
}
