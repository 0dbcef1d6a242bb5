//! What stands between the person and the answer: sign in, choose, consent, or nothing
//! (OIDC Core §3.1.2.3, §3.1.2.4, §3.1.2.6). Pure: the handler has looked everything up.

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

/// What the person has answered within this very interaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InteractionResult {
    /// Signed in.
    pub signed_in: bool,
    /// Chose the session's account.
    pub account_chosen: bool,
    /// Pressed Allow.
    pub consented: bool,
}

/// The next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Show the sign-in page.
    SignIn(SignInReason),
    /// Show the sign-in page with the session's account to continue with.
    ChooseAccount,
    /// Show the consent page.
    AskConsent,
    /// Answer.
    Issue,
}

/// Why a person must sign in: what the page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInReason {
    /// No live session.
    NoSession,
    /// The application asks for it (`prompt=login`, `max_age`).
    Again,
    /// The application expects another person (`id_token_hint`).
    OtherPerson,
}

/// Decides the next step for a live session (its user re-checked) or none.
pub fn decide(
    ask: &AuthorizationRequest,
    session: Option<&Session>,
    remembered: Option<&Consent>,
    answers: InteractionResult,
    now: Timestamp,
) -> Result<NextStep, OAuthError> {
    // Whom nobody can be, no sign-in makes (two hints that contradict each other).
    let impossible = ask.allowed_subjects.as_ref().is_some_and(BTreeSet::is_empty);
    let silent = impossible || ask.prompt.contains(&Prompt::None);
    let Some(session) = session else {
        return sign_in(silent, SignInReason::NoSession);
    };
    if !is_expected(ask, session) {
        // Signed in as someone else although asked: the client is told (OIDC Core §3.1.2.1).
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
        SignInReason::NoSession => "Nobody is signed in.",
        SignInReason::Again => "The person must sign in again.",
        SignInReason::OtherPerson => "Another person than the request names is signed in.",
    };
    Err(OAuthError::new(ErrorCode::LoginRequired, text))
}

fn is_expected(ask: &AuthorizationRequest, session: &Session) -> bool {
    let told = subject::subject_for_client(&ask.client, &session.authentication.subject);
    ask.allowed_subjects.as_ref().is_none_or(|expected| expected.contains(&told))
}

/// Older than `max_age`, by however little; 0 is what `prompt=login` is (OIDC Core §3.1.2.1).
fn is_too_old(ask: &AuthorizationRequest, session: &Session, now: Timestamp) -> bool {
    let age = now.since(session.authentication.auth_time);
    ask.max_age.is_some_and(|most| most.is_zero() || age > most)
}

fn consent_required() -> OAuthError {
    OAuthError::new(ErrorCode::ConsentRequired, "The person has not agreed to these scopes yet.")
}
