//! Decides the next step of an authorization request: sign in, choose an account, consent, or issue
//! the response (OIDC Core §3.1.2.3, §3.1.2.4, §3.1.2.6). The handler loads all inputs.

use std::collections::BTreeSet;

use super::{
    super::{
        consent,
        error::{ErrorCode, OAuthError},
        records::{Consent, Session},
        subject,
    },
    AuthorizationRequest, Prompt, acr,
};
use crate::model::Timestamp;

/// The steps that the user has completed within this interaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InteractionResult {
    /// The user signed in.
    pub signed_in: bool,
    /// The user chose the session's account.
    pub account_chosen: bool,
    /// The user pressed Allow.
    pub consented: bool,
}

/// The next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Show the sign-in page.
    SignIn(SignInReason),
    /// Show the sign-in page with an option to continue with the session's account.
    ChooseAccount,
    /// Show the consent page.
    AskConsent,
    /// Issue the response.
    Issue,
}

/// The reason the user must sign in, displayed on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInReason {
    /// There is no live session.
    NoSession,
    /// The application requires a new sign-in (`prompt=login`, `max_age`).
    Again,
    /// The application expects another user (`id_token_hint`, `claims`).
    OtherPerson,
}

/// Decides the next step. The caller has checked that the session is live.
pub fn decide(
    ask: &AuthorizationRequest,
    session: Option<&Session>,
    remembered: Option<&Consent>,
    answers: InteractionResult,
    now: Timestamp,
) -> Result<NextStep, OAuthError> {
    // Contradicting hints allow no user at all, so signing in cannot help.
    let impossible = ask.allowed_subjects.as_ref().is_some_and(BTreeSet::is_empty);
    let silent = impossible || ask.prompt.contains(&Prompt::None);
    let Some(session) = session else {
        return sign_in(silent, SignInReason::NoSession);
    };
    if !is_expected(ask, session) {
        // The user signed in as someone else despite the prompt: report it to the client (OIDC Core
        // §3.1.2.1).
        return sign_in(silent || answers.signed_in, SignInReason::OtherPerson);
    }
    if !answers.signed_in {
        if ask.prompt.contains(&Prompt::Login) || is_too_old(ask, session, now) {
            return sign_in(silent, SignInReason::Again);
        }
        if ask.prompt.contains(&Prompt::SelectAccount) && !answers.account_chosen {
            return Ok(NextStep::ChooseAccount);
        }
    }
    acr::check(&ask.acr_levels, &session.authentication.amr, &ask.acr)?;
    if !answers.consented && consent::is_needed(ask, remembered) {
        return if silent { Err(consent_required()) } else { Ok(NextStep::AskConsent) };
    }
    Ok(NextStep::Issue)
}

fn sign_in(must_fail: bool, reason: SignInReason) -> Result<NextStep, OAuthError> {
    if !must_fail {
        return Ok(NextStep::SignIn(reason));
    }
    let text = match reason {
        SignInReason::NoSession => "The user is not signed in.",
        SignInReason::Again => "The user must sign in again.",
        SignInReason::OtherPerson => "The signed-in user is not the one requested.",
    };
    Err(OAuthError::new(ErrorCode::LoginRequired, text))
}

fn is_expected(ask: &AuthorizationRequest, session: &Session) -> bool {
    let told = subject::subject_for_client(&ask.client, &session.authentication.subject);
    ask.allowed_subjects.as_ref().is_none_or(|expected| expected.contains(&told))
}

/// Returns true if the sign-in is older than `max_age`. `max_age=0` always requires a sign-in, like
/// `prompt=login` (OIDC Core §3.1.2.1).
fn is_too_old(ask: &AuthorizationRequest, session: &Session, now: Timestamp) -> bool {
    let age = now.since(session.authentication.auth_time);
    ask.max_age.is_some_and(|most| most.is_zero() || age > most)
}

fn consent_required() -> OAuthError {
    OAuthError::new(ErrorCode::ConsentRequired, "The user has not consented to these scopes.")
}
