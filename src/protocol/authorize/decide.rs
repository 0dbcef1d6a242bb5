//! Decides the next step of an authorization request: sign in, choose an account, consent, or issue
//! the response (OIDC Core §3.1.2.3, §3.1.2.4, §3.1.2.6). The handler loads all inputs.

use std::collections::BTreeSet;

use super::{
    super::{
        access::AccessDenial,
        authentication::{AuthenticationMethod, SignInWay},
        consent,
        error::{ErrorCode, OAuthError},
        records::{Consent, Session},
        required_factor::can_prove_factor,
        subject,
    },
    AuthorizationRequest, Prompt,
    acr::{self, AcrStatus},
    requested_acr::RequestedAcr,
};
use crate::model::{AcrLevel, Timestamp};

/// The steps that the user has completed within this interaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InteractionResult {
    /// The user signed in, by any method. Only such a sign-in satisfies `prompt=login`.
    pub signed_in: bool,
    /// The user chose the session's account.
    pub account_chosen: bool,
    /// The user pressed Allow.
    pub consented: bool,
}

/// The page that the user gets next, or the response to the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Show the sign-in page.
    SignIn(SignInReason),
    /// Show the sign-in page with an option to continue with the session's account.
    ChooseAccount,
    /// Ask the session's user for the second factor.
    SecondFactor,
    /// Show the consent page.
    AskConsent,
    /// Show that the person may not use the application.
    RefuseEntry,
    /// Issue the authorization response: everything that the request needs is fulfilled.
    Issue,
}

/// The reason the user must sign in, displayed on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInReason {
    /// The browser has no live session.
    NoSession,
    /// The application requires a new sign-in (`prompt=login`, `max_age`).
    Again,
    /// The application expects another user (`id_token_hint`, `claims`).
    OtherPerson,
    /// The application requires a level of assurance that another method reaches.
    HigherLevel,
}

/// The state of an authorization between the user's steps.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizationState<'a> {
    /// The browser's session, which the caller has checked to be live.
    pub session: Option<&'a Session>,
    /// The permissions that the user granted to the client before.
    pub consent: Option<&'a Consent>,
    /// The steps that the user has completed within this interaction.
    pub completed: InteractionResult,
    /// The methods that the second factor of the session's user proves; empty for a user without a second factor.
    pub second_factor: &'a [AuthenticationMethod],
    /// Whether the second factor has to be proved again.
    pub wants_second_factor: bool,
    /// The ways by which the user can sign in. A level that none of them proves is out of reach.
    pub ways: &'a [SignInWay],
    /// The levels that access rules accept; `None` if they require none.
    pub sufficient_levels: Option<&'a [AcrLevel]>,
    /// The reason that the session's user may not use the application; `None` if the user may.
    pub refusal: Option<&'a AccessDenial>,
}

/// Decides the next step: the first that the request demands and the user has not completed. With `prompt=none` it is
/// an error instead of a page (OIDC Core §3.1.2.6).
pub fn decide_next_step(
    request: &AuthorizationRequest,
    state: AuthorizationState<'_>,
    now: Timestamp,
) -> Result<NextStep, OAuthError> {
    let completed = state.completed;
    // Contradicting hints allow no user at all, so signing in cannot help.
    let impossible = request.allowed_subjects.as_ref().is_some_and(BTreeSet::is_empty);
    let silent = impossible || request.prompt.contains(&Prompt::None);
    let Some(session) = state.session else {
        return sign_in(silent, SignInReason::NoSession);
    };
    if !is_expected(request, session) {
        // The user signed in as someone else despite the prompt: report it to the client (OIDC Core
        // §3.1.2.1).
        return sign_in(silent || completed.signed_in, SignInReason::OtherPerson);
    }
    if !completed.signed_in {
        if request.prompt.contains(&Prompt::Login) || is_too_old(request, session, now) {
            return sign_in(silent, SignInReason::Again);
        }
        if request.prompt.contains(&Prompt::SelectAccount) && !completed.account_chosen {
            return Ok(NextStep::ChooseAccount);
        }
    }
    if let Some(refusal) = state.refusal
        && let Some(step) = step_after_refusal(refusal, state.second_factor, silent)
    {
        return step;
    }
    if !silent && (state.wants_second_factor || second_factor_raises(request, &state, session)) {
        return Ok(NextStep::SecondFactor);
    }
    match status_of_levels(request, &state, session) {
        AcrStatus::Reached => {}
        AcrStatus::Reachable if !silent => return Ok(NextStep::SignIn(SignInReason::HigherLevel)),
        AcrStatus::Reachable | AcrStatus::Unreachable => return Err(acr::unmet_acr_error()),
    }
    if !completed.consented && consent::is_needed(request, state.consent) {
        return if silent { Err(consent_required()) } else { Ok(NextStep::AskConsent) };
    }
    Ok(NextStep::Issue)
}

/// The next step of a person who may not use the application with this sign-in; `None` if a level is missing that
/// another sign-in may reach. Without pages the application gets an error: `access_denied` if no interaction of this
/// person can change it (RFC 6749 §4.1.2.1), `login_required` otherwise (OIDC Core §3.1.2.6).
fn step_after_refusal(
    refusal: &AccessDenial,
    second_factor: &[AuthenticationMethod],
    silent: bool,
) -> Option<Result<NextStep, OAuthError>> {
    Some(match refusal {
        AccessDenial::Refused(_) if silent => {
            Err(OAuthError::new(ErrorCode::AccessDenied, refusal.description()))
        }
        AccessDenial::MissingFactor(_) if silent => {
            Err(OAuthError::new(ErrorCode::LoginRequired, refusal.description()))
        }
        AccessDenial::MissingFactor(factor) if can_prove_factor(*factor, second_factor) => {
            Ok(NextStep::SecondFactor)
        }
        AccessDenial::Refused(_) | AccessDenial::MissingFactor(_) => Ok(NextStep::RefuseEntry),
        AccessDenial::HigherLevel { levels } if levels.is_empty() => Err(acr::unmet_acr_error()),
        AccessDenial::HigherLevel { .. } => return None,
    })
}

/// Returns true if the second factor of the session's user reaches a level that is asked for.
fn second_factor_raises(
    request: &AuthorizationRequest,
    state: &AuthorizationState<'_>,
    session: &Session,
) -> bool {
    let required = RequestedAcr::by_access_rules(state.sufficient_levels);
    let requests = [&request.acr, &required];
    let (levels, used) = (&request.acr_levels, &session.authentication);
    acr::second_factor_raises(levels, used, state.second_factor, &requests)
}

/// Checks the levels that the request and the access rules require. A sign-in of this interaction was
/// asked for them, so its way does not reach them.
fn status_of_levels(
    request: &AuthorizationRequest,
    state: &AuthorizationState<'_>,
    session: &Session,
) -> AcrStatus {
    let origin = session.origin.as_ref().map(|origin| &origin.provider);
    let is_left = |way: &&SignInWay| !state.completed.signed_in || way.provider.as_ref() != origin;
    let ways: Vec<_> = state.ways.iter().filter(is_left).collect();
    let required = RequestedAcr::by_access_rules(state.sufficient_levels);
    let requests = [&request.acr, &required];
    acr::acr_status(&request.acr_levels, &session.authentication, &ways, &requests)
}

fn sign_in(must_fail: bool, reason: SignInReason) -> Result<NextStep, OAuthError> {
    if !must_fail {
        return Ok(NextStep::SignIn(reason));
    }
    let text = match reason {
        SignInReason::NoSession => "The user is not signed in.",
        SignInReason::Again => "The user must sign in again.",
        SignInReason::OtherPerson => "The signed-in user is not the one requested.",
        SignInReason::HigherLevel => "The user must sign in at a higher level of assurance.",
    };
    Err(OAuthError::new(ErrorCode::LoginRequired, text))
}

fn is_expected(request: &AuthorizationRequest, session: &Session) -> bool {
    let subject = subject::subject_for_client(&request.client, &session.authentication.subject);
    request.allowed_subjects.as_ref().is_none_or(|expected| expected.contains(&subject))
}

/// Returns true if the sign-in is older than `max_age`. `max_age=0` always requires a sign-in, like
/// `prompt=login` (OIDC Core §3.1.2.1).
fn is_too_old(request: &AuthorizationRequest, session: &Session, now: Timestamp) -> bool {
    let age = now.since(session.authentication.auth_time());
    request.max_age.is_some_and(|most| most.is_zero() || age > most)
}

fn consent_required() -> OAuthError {
    OAuthError::new(ErrorCode::ConsentRequired, "The user has not consented to these scopes.")
}
