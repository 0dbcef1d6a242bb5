//! The passkey of a person: instead of a password on the sign-in page, or as the second factor of a person who
//! is known.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;

use super::{
    authorize::{
        AttemptSubject, AuthorizationContext, page,
        second_factor_page::{FactorProblem, render_problem},
        start_signed_in_session,
    },
    failed_login::render_failed_attempt,
    second_factor::{FactorFailure, report_failure, waiting_person},
};
use crate::{
    accounts::{
        factors::{
            passkey_assertion::{PasskeyAnswer, PasskeyRefusal, use_passkey},
            used_factor::UsedFactor,
        },
        records::upstream_sessions::SignInSource,
        sessions::active_session::SignedInUser,
    },
    http::{EndpointError, Reply},
    identity::{SignInError, ThrottledCredential},
    model::{Account, LOCAL_PROVIDER, SignInFailure, StepUpFailure},
    protocol::{
        authentication::Authentication, params::RequestParams, records::PasskeyChallenge,
        webauthn::AssertionResponse,
    },
};

/// The answer of an authenticator, decoded.
struct DecodedAnswer {
    credential_id: Vec<u8>,
    user_handle: Option<Vec<u8>>,
    client_data: Vec<u8>,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
}

/// Checks the answer of the form, and takes the authorization further if it is right.
pub(super) async fn check_passkey(
    form: &RequestParams,
    mut authorization: AuthorizationContext<'_>,
) -> Result<Reply, EndpointError> {
    let context = authorization.app.context(authorization.request);
    let is_second = form.get("factor") == Some("second");
    let waiting =
        if is_second { Some(waiting_person(form, &mut authorization).await?) } else { None };
    let throttled = ThrottledCredential {
        tenant: context.tenant_id(),
        client: None,
        exists: false,
        address: authorization.request.address,
    };
    let throttle = &context.services.passkey_throttle;
    if let Err(wait) = throttle.admit(throttled, context.now) {
        authorization.audit_throttled_sign_in(LOCAL_PROVIDER, wait);
        return render_wait(&authorization, (waiting.as_ref(), form), wait).await;
    }
    let person = waiting.as_ref().map(|user| &user.account);
    match verify_answer(&authorization, form, person).await? {
        Ok((account, factor)) => {
            throttle.succeeded(throttled);
            let user = signed_in_user(waiting, account, &authorization);
            start_signed_in_session(authorization, user, &factor).await
        }
        Err(refusal) => {
            throttle.failed(throttled, context.now);
            report_refusal(&authorization, waiting.as_ref(), &refusal);
            let problem = problem_of(&authorization, &refusal);
            render_refusal(&authorization, (waiting.as_ref(), form), &problem).await
        }
    }
}

/// The person and the passkey of a right answer, or the reason of its refusal.
async fn verify_answer(
    authorization: &AuthorizationContext<'_>,
    form: &RequestParams,
    waiting: Option<&Arc<Account>>,
) -> Result<Result<(Arc<Account>, UsedFactor), PasskeyRefusal>, EndpointError> {
    let context = authorization.accounts();
    let challenge: Option<PasskeyChallenge> = context.open(form.require("challenge")?)?;
    let Some(challenge) = challenge else { return Ok(Err(PasskeyRefusal::Replayed)) };
    let Some(decoded) = decode_answer(form) else { return Ok(Err(PasskeyRefusal::Wrong(None))) };
    let answer = PasskeyAnswer {
        credential_id: &decoded.credential_id,
        user_handle: decoded.user_handle.as_deref(),
        response: AssertionResponse {
            client_data: &decoded.client_data,
            authenticator_data: &decoded.authenticator_data,
            signature: &decoded.signature,
        },
    };
    let browser = authorization.interaction.browser();
    let used = use_passkey(context, (&challenge, browser), answer, waiting).await?;
    Ok(used.map(|account| (account, UsedFactor::Passkey(decoded.credential_id))))
}

fn decode_answer(form: &RequestParams) -> Option<DecodedAnswer> {
    let decoded = |name: &str| decode_field(form, name);
    let user_handle = match form.get("user_handle") {
        Some(_) => Some(decoded("user_handle")?),
        None => None,
    };
    Some(DecodedAnswer {
        credential_id: decoded("credential_id")?,
        user_handle,
        client_data: decoded("client_data")?,
        authenticator_data: decoded("authenticator_data")?,
        signature: decoded("signature")?,
    })
}

/// The bytes of a field that a script has filled in.
pub(super) fn decode_field(form: &RequestParams, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(form.get(name)?).ok()
}

/// The user who has used the passkey, in addition to what was proved before.
fn signed_in_user(
    waiting: Option<SignedInUser>,
    account: Arc<Account>,
    authorization: &AuthorizationContext<'_>,
) -> SignedInUser {
    let now = authorization.request.now;
    match waiting {
        Some(mut user) => {
            user.authentication.prove_passkey(now);
            user
        }
        None => {
            let authentication = Authentication::by_passkey(account.subject.clone(), now);
            SignedInUser::new(account, authentication, SignInSource::Tenant)
        }
    }
}

/// Reports a refused answer: of a sign-in, or of a step-up.
fn report_refusal(
    authorization: &AuthorizationContext<'_>,
    waiting: Option<&SignedInUser>,
    refusal: &PasskeyRefusal,
) {
    let (sign_in, step_up) = match refusal {
        PasskeyRefusal::Wrong(_) => (SignInFailure::WrongPasskey, StepUpFailure::WrongPasskey),
        PasskeyRefusal::NotAlone(_) => (SignInFailure::NotAdmitted, StepUpFailure::WrongPasskey),
        PasskeyRefusal::Disabled(_) => (SignInFailure::Disabled, StepUpFailure::WrongPasskey),
        PasskeyRefusal::Replayed => {
            (SignInFailure::ReplayedPasskey, StepUpFailure::ReplayedPasskey)
        }
        PasskeyRefusal::Cloned(_) => (SignInFailure::ClonedPasskey, StepUpFailure::ClonedPasskey),
    };
    if let Some(user) = waiting {
        return report_failure(authorization, user, FactorFailure { sign_in, step_up });
    }
    let account = match refusal {
        PasskeyRefusal::Disabled(account) | PasskeyRefusal::Cloned(account) => Some(&**account),
        _ => None,
    };
    let cause = match refusal {
        PasskeyRefusal::Wrong(Some(error)) => Some(error.to_string()),
        _ => None,
    };
    let person = account.map(AttemptSubject::from).unwrap_or_default();
    authorization.audit_failed_sign_in(LOCAL_PROVIDER, person, (sign_in, cause));
}

/// The refusal in words. They are the same for an unknown passkey and a wrong answer.
fn problem_of(authorization: &AuthorizationContext<'_>, refusal: &PasskeyRefusal) -> String {
    let text = authorization.request.text();
    match refusal {
        PasskeyRefusal::Wrong(_) | PasskeyRefusal::Disabled(_) => text.passkey_wrong().to_owned(),
        PasskeyRefusal::Replayed => text.passkey_replayed().to_owned(),
        PasskeyRefusal::Cloned(_) => text.passkey_cloned().to_owned(),
        PasskeyRefusal::NotAlone(name) => {
            let provider = authorization.request.tenant.provider(name);
            let name = provider.map_or(text.the_provider(), |it| it.display_name.as_str());
            text.passkey_not_alone(name).to_string()
        }
    }
}

async fn render_refusal(
    authorization: &AuthorizationContext<'_>,
    (waiting, form): (Option<&SignedInUser>, &RequestParams),
    problem: &str,
) -> Result<Reply, EndpointError> {
    let Some(user) = waiting else {
        let page = page::sign_in_again(authorization, "", problem)?;
        return Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY));
    };
    let problem = FactorProblem { title: None, text: problem, wait: None };
    render_problem(authorization, (&user.account, form.get("sign_in")), problem).await
}

async fn render_wait(
    authorization: &AuthorizationContext<'_>,
    (waiting, form): (Option<&SignedInUser>, &RequestParams),
    wait: Duration,
) -> Result<Reply, EndpointError> {
    let Some(user) = waiting else {
        return render_failed_attempt(authorization, "", SignInError::Wait(wait));
    };
    let text = authorization.request.text().too_many_passkeys();
    let problem = FactorProblem { title: None, text, wait: Some(wait) };
    render_problem(authorization, (&user.account, form.get("sign_in")), problem).await
}
