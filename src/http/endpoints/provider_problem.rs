//! The pages for a sign-in at an identity provider that did not succeed: they say who refused and
//! what to do. The cause is in the log.

use http::StatusCode;

use super::authorize::{AttemptSubject, AuthorizationContext, forms};
use crate::{
    accounts::upstream::upstream_sign_in::{SignInProblem, UpstreamSignInError},
    http::{EndpointError, UnusablePage},
    messages::{FilledMessage, MessageCatalog},
    model::{ObjectKey, SignInFailure},
    protocol::identity_provider::IdentityProvider,
};

const PERSON_REFUSED: &str = "person_refused";
const CLAIMS: &str = "provider_claims";
const SUBJECT_TAKEN: &str = "subject_taken";
const LEVEL: &str = "provider_level";

/// The page for a provider that was deleted or changed while a person was there.
pub(super) fn provider_gone(authorization: &AuthorizationContext<'_>) -> EndpointError {
    let name = &authorization.request.path_param;
    authorization.audit_failed_sign_in(
        name,
        AttemptSubject::default(),
        (SignInFailure::ProviderGone, None),
    );
    let text = authorization.request.text();
    let texts = ProblemTexts {
        title: text.provider_gone_title().to_owned(),
        message: text.provider_gone_text().to_owned(),
        advice: text.provider_gone_advice().to_owned(),
        status: StatusCode::NOT_FOUND,
        code: "provider_gone",
    };
    problem(authorization, texts)
}

/// The page for a name whose domain leads to a provider that is not served: its object has a mistake.
pub(super) fn provider_not_served(
    authorization: &AuthorizationContext<'_>,
    provider: &ObjectKey,
) -> EndpointError {
    let cause = format!(
        "IdentityProvider {provider}, to which the domain of the name leads, is not served"
    );
    authorization.audit_failed_sign_in(
        &provider.name,
        AttemptSubject::default(),
        (SignInFailure::ProviderUnavailable, Some(cause)),
    );
    let text = authorization.request.text();
    let texts = ProblemTexts {
        title: text.provider_gone_title().to_owned(),
        message: text.domain_unavailable_text().to_owned(),
        advice: text.domain_unavailable_advice().to_owned(),
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: "provider_not_served",
    };
    problem(authorization, texts)
}

/// The page for an error.
pub(super) fn provider_problem_page(
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
    problem(authorization, texts(provider, &error, authorization.request.text()))
}

const fn failure_of(problem: SignInProblem<'_>) -> SignInFailure {
    match problem {
        SignInProblem::Refused(_)
        | SignInProblem::NotDeclared
        | SignInProblem::NotInOrganization
        | SignInProblem::TooManyPeople => SignInFailure::NotAdmitted,
        SignInProblem::Denied | SignInProblem::LevelUnmet => SignInFailure::Denied,
        SignInProblem::Unavailable | SignInProblem::NotCalled => SignInFailure::ProviderUnavailable,
        SignInProblem::NotFresh | SignInProblem::NoSignInTime => SignInFailure::NotFresh,
        SignInProblem::RequestTooLong => SignInFailure::RequestTooLong,
        SignInProblem::Claims => SignInFailure::Claims,
        SignInProblem::SubjectTaken => SignInFailure::SubjectTaken,
        SignInProblem::Answer => SignInFailure::ProviderAnswer,
    }
}

struct ProblemTexts {
    title: String,
    message: String,
    advice: String,
    status: StatusCode,
    code: &'static str,
}

fn texts(
    provider: &IdentityProvider,
    error: &UpstreamSignInError,
    text: &MessageCatalog,
) -> ProblemTexts {
    let name = &provider.display_name;
    match error.problem() {
        SignInProblem::Refused(message) => {
            let advice = message.unwrap_or_else(|| text.ask_for_access());
            refused(text, text.provider_not_admitted(name), advice)
        }
        SignInProblem::NotDeclared => {
            refused(text, text.provider_unknown_account(name), text.ask_to_be_added())
        }
        SignInProblem::NotInOrganization => {
            refused(text, text.provider_no_organization(name), text.ask_for_access())
        }
        SignInProblem::Denied => ProblemTexts {
            title: text.provider_denied_title(name).to_string(),
            message: text.provider_denied_text(name).to_string(),
            advice: text.provider_denied_advice().to_owned(),
            status: StatusCode::FORBIDDEN,
            code: "provider_denied",
        },
        SignInProblem::LevelUnmet => level_unmet(name, text),
        SignInProblem::Unavailable => ProblemTexts {
            title: text.provider_silent_title(name).to_string(),
            message: text.provider_silent_text(name).to_string(),
            advice: text.try_in_a_moment().to_owned(),
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: "provider_unavailable",
        },
        SignInProblem::NotFresh => not_fresh(name, text),
        SignInProblem::NoSignInTime => no_sign_in_time(name, text),
        SignInProblem::NotCalled => ProblemTexts {
            title: text.provider_unusable_title(name).to_string(),
            message: text.provider_unusable_text(name).to_string(),
            ..broken(name, "provider_not_called", text)
        },
        SignInProblem::RequestTooLong => ProblemTexts {
            title: text.request_too_long_title().to_owned(),
            message: text.request_too_long_text(name).to_string(),
            status: StatusCode::BAD_REQUEST,
            ..broken(name, "request_too_long", text)
        },
        SignInProblem::Claims => ProblemTexts {
            message: text.provider_claims_text(name).to_string(),
            ..broken(name, CLAIMS, text)
        },
        SignInProblem::SubjectTaken => broken(name, SUBJECT_TAKEN, text),
        SignInProblem::TooManyPeople => too_many_people(name, text),
        SignInProblem::Answer => broken(name, "provider_answer", text),
    }
}

/// The page for a person who is not admitted.
fn refused(text: &MessageCatalog, message: FilledMessage<'_>, advice: &str) -> ProblemTexts {
    ProblemTexts {
        title: text.cannot_sign_in_title().to_owned(),
        message: message.to_string(),
        advice: advice.to_owned(),
        status: StatusCode::FORBIDDEN,
        code: PERSON_REFUSED,
    }
}

/// The page for an answer that cannot be used.
fn broken(name: &str, code: &'static str, text: &MessageCatalog) -> ProblemTexts {
    ProblemTexts {
        title: text.provider_answer_title(name).to_string(),
        message: text.provider_answer_text(name).to_string(),
        advice: text.ask_administrator().to_owned(),
        status: StatusCode::BAD_GATEWAY,
        code,
    }
}

/// The page for a person whom the provider cannot sign in at the level that was requested.
fn level_unmet(name: &str, text: &MessageCatalog) -> ProblemTexts {
    ProblemTexts {
        title: text.level_unmet_title().to_owned(),
        message: text.level_unmet_text(name).to_string(),
        advice: text.level_unmet_advice(name).to_string(),
        status: StatusCode::FORBIDDEN,
        code: LEVEL,
    }
}

/// The page for a new person of a provider, while the tenant has no room for another person.
fn too_many_people(name: &str, text: &MessageCatalog) -> ProblemTexts {
    ProblemTexts {
        title: text.too_many_people_title().to_owned(),
        message: text.too_many_people_text(name).to_string(),
        advice: text.domain_unavailable_advice().to_owned(),
        status: StatusCode::TOO_MANY_REQUESTS,
        code: "too_many_people",
    }
}

/// The page for a person who has not signed in again.
fn not_fresh(name: &str, text: &MessageCatalog) -> ProblemTexts {
    ProblemTexts {
        title: text.not_fresh_title().to_owned(),
        message: text.not_fresh_text(name).to_string(),
        advice: text.not_fresh_advice(name).to_string(),
        status: StatusCode::FORBIDDEN,
        code: "sign_in_too_old",
    }
}

/// The page for a person whose new sign-in cannot be proven. Signing in again would not help.
fn no_sign_in_time(name: &str, text: &MessageCatalog) -> ProblemTexts {
    ProblemTexts {
        title: text.no_sign_in_time_title().to_owned(),
        message: text.no_sign_in_time_text(name).to_string(),
        advice: text.no_sign_in_time_advice(name).to_string(),
        status: StatusCode::FORBIDDEN,
        code: "sign_in_time_unknown",
    }
}

fn problem(authorization: &AuthorizationContext<'_>, texts: ProblemTexts) -> EndpointError {
    let ProblemTexts { title, message, advice, status, code } = texts;
    let (context, interaction) = (authorization.accounts(), &authorization.interaction);
    // With the account of now the answer would be the same.
    let is_about_person = [PERSON_REFUSED, CLAIMS, SUBJECT_TAKEN, LEVEL].contains(&code);
    let start_again = if is_about_person {
        forms::start_with_other_account_url(context, interaction)
    } else {
        forms::start_again_url(context, interaction)
    };
    EndpointError::UnusablePage(Box::new(UnusablePage {
        title,
        message,
        advice,
        start_again,
        status,
        code,
    }))
}
