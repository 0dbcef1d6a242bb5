//! The pages for a sign-in at an identity provider that did not succeed: they say who refused and
//! what to do. The cause is in the log.

use std::borrow::Cow;

use http::StatusCode;

use super::authorize::{AttemptSubject, AuthorizationContext, forms};
use crate::{
    accounts::upstream_sign_in::{SignInProblem, UpstreamSignInError},
    http::{EndpointError, UnusablePage},
    model::SignInFailure,
    protocol::identity_provider::IdentityProvider,
};

const ASK_ADMINISTRATOR: &str =
    "Ask the administrator of this sign-in page. The details below help to find the cause.";
const PERSON_REFUSED: &str = "person_refused";
const CLAIMS: &str = "provider_claims";
const SUBJECT_TAKEN: &str = "subject_taken";
const LEVEL: &str = "provider_level";
const AGAIN: &str = "Try again in a moment.";

/// The page for a provider that was deleted or changed while a person was there.
pub(super) fn provider_gone(authorization: &AuthorizationContext<'_>) -> EndpointError {
    let name = &authorization.request.path_param;
    authorization.audit_failed_sign_in(
        name,
        AttemptSubject::default(),
        (SignInFailure::ProviderGone, None),
    );
    let texts = ProblemTexts {
        title: "This way of signing in is not available".into(),
        message: "It was removed or changed a moment ago.".into(),
        advice: "Start again and choose another one.".into(),
        status: StatusCode::NOT_FOUND,
        code: "provider_gone",
    };
    problem(authorization, texts)
}

/// The page for an error.
pub(super) fn problem_page(
    authorization: &AuthorizationContext<'_>,
    (provider, person): (&IdentityProvider, AttemptSubject<'_>),
    error: UpstreamSignInError,
) -> EndpointError {
    let error = match error {
        UpstreamSignInError::Account(error) => return error.into(),
        error => error,
    };
    tracing::warn!(
        provider = %provider.object,
        %error,
        "a sign-in at an identity provider failed"
    );
    let why = (failure_of(error.problem()), Some(error.to_string()));
    authorization.audit_failed_sign_in(provider.name(), person, why);
    problem(authorization, texts(provider, &error))
}

const fn failure_of(problem: SignInProblem<'_>) -> SignInFailure {
    match problem {
        SignInProblem::Refused(_)
        | SignInProblem::NotDeclared
        | SignInProblem::NotInOrganization => SignInFailure::NotAdmitted,
        SignInProblem::Denied | SignInProblem::LevelUnmet => SignInFailure::Denied,
        SignInProblem::Unavailable | SignInProblem::NotCalled => SignInFailure::ProviderUnavailable,
        SignInProblem::NotFresh | SignInProblem::NoSignInTime => SignInFailure::NotFresh,
        SignInProblem::Claims => SignInFailure::Claims,
        SignInProblem::SubjectTaken => SignInFailure::SubjectTaken,
        SignInProblem::Answer => SignInFailure::ProviderAnswer,
    }
}

struct ProblemTexts {
    title: Cow<'static, str>,
    message: Cow<'static, str>,
    advice: Cow<'static, str>,
    status: StatusCode,
    code: &'static str,
}

fn texts(provider: &IdentityProvider, error: &UpstreamSignInError) -> ProblemTexts {
    let name = &provider.display_name;
    match error.problem() {
        SignInProblem::Refused(message) => {
            let advice = message.map_or(
                Cow::Borrowed("Use another account, or ask the administrator for access."),
                |message| message.to_owned().into(),
            );
            refused(format!("Your account at {name} is not admitted here."), advice)
        }
        SignInProblem::NotDeclared => refused(
            format!("Your account at {name} is not known here."),
            "Ask the administrator to add it.".into(),
        ),
        SignInProblem::NotInOrganization => refused(
            format!(
                "Your account at {name} is in none of the organizations that are admitted here."
            ),
            "Use another account, or ask the administrator for access.".into(),
        ),
        SignInProblem::Denied => ProblemTexts {
            title: format!("{name} did not sign you in").into(),
            message: format!("You cancelled the sign-in at {name}, or {name} does not let you in.")
                .into(),
            advice: "Try again, or choose another way of signing in.".into(),
            status: StatusCode::FORBIDDEN,
            code: "provider_denied",
        },
        SignInProblem::LevelUnmet => level_unmet(name),
        SignInProblem::Unavailable => ProblemTexts {
            title: format!("{name} cannot be reached").into(),
            message: format!("{name} does not answer at the moment.").into(),
            advice: AGAIN.into(),
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: "provider_unavailable",
        },
        SignInProblem::NotFresh => not_fresh(name),
        SignInProblem::NoSignInTime => no_sign_in_time(name),
        SignInProblem::NotCalled => ProblemTexts {
            title: format!("{name} cannot be used").into(),
            message: format!("{name} is not set up completely here, so it was not asked.").into(),
            ..broken(name, "provider_not_called")
        },
        SignInProblem::Claims => ProblemTexts {
            message: format!(
                "{name} signed you in, but did not say enough about you, or too much."
            )
            .into(),
            ..broken(name, CLAIMS)
        },
        SignInProblem::SubjectTaken => broken(name, SUBJECT_TAKEN),
        SignInProblem::Answer => broken(name, "provider_answer"),
    }
}

/// The page for a person who is not admitted.
fn refused(message: String, advice: Cow<'static, str>) -> ProblemTexts {
    ProblemTexts {
        title: "You cannot sign in here".into(),
        message: message.into(),
        advice,
        status: StatusCode::FORBIDDEN,
        code: PERSON_REFUSED,
    }
}

/// The page for an answer that cannot be used.
fn broken(name: &str, code: &'static str) -> ProblemTexts {
    ProblemTexts {
        title: format!("{name} did not answer as expected").into(),
        message: format!("The answer of {name} could not be used.").into(),
        advice: ASK_ADMINISTRATOR.into(),
        status: StatusCode::BAD_GATEWAY,
        code,
    }
}

/// The page for a person whom the provider cannot sign in at the level that was requested.
fn level_unmet(name: &str) -> ProblemTexts {
    ProblemTexts {
        title: "A stronger way of signing in is required".into(),
        message: format!("{name} could not sign you in as the application requires.").into(),
        advice: format!(
            "Ask the administrator of {name} for a second factor, or choose another way of signing in."
        )
        .into(),
        status: StatusCode::FORBIDDEN,
        code: LEVEL,
    }
}

/// The page for a person who has not signed in again.
fn not_fresh(name: &str) -> ProblemTexts {
    ProblemTexts {
        title: "Please sign in again".into(),
        message: format!("The application requires a new sign-in, but {name} used an earlier one.")
            .into(),
        advice: format!("Sign out at {name}, then try again.").into(),
        status: StatusCode::FORBIDDEN,
        code: "sign_in_too_old",
    }
}

/// The page for a person whose new sign-in cannot be proven. Signing in again would not help.
fn no_sign_in_time(name: &str) -> ProblemTexts {
    ProblemTexts {
        title: "A new sign-in cannot be confirmed".into(),
        message: format!(
            "The application requires a new sign-in, but {name} does not say when you signed in."
        )
        .into(),
        advice: format!(
            "Choose another way of signing in, or tell the administrator of the application: it must not require a new sign-in of people from {name}."
        )
        .into(),
        status: StatusCode::FORBIDDEN,
        code: "sign_in_time_unknown",
    }
}

fn problem(authorization: &AuthorizationContext<'_>, texts: ProblemTexts) -> EndpointError {
    let ProblemTexts { title, message, advice, status, code } = texts;
    let (request, interaction) = (authorization.request, &authorization.interaction);
    // With the account of now the answer would be the same.
    let is_about_person = [PERSON_REFUSED, CLAIMS, SUBJECT_TAKEN, LEVEL].contains(&code);
    let start_again = if is_about_person {
        forms::start_with_other_account_url(request, interaction)
    } else {
        forms::start_again_url(request, interaction)
    };
    EndpointError::UnusablePage(Box::new(UnusablePage {
        title,
        message,
        advice,
        start_again: Some(start_again),
        status,
        code,
    }))
}
