//! The form of the second page of a sign-in, for a person who has set up an authenticator app. The
//! session begins when the factor is proved. In a session it is a step-up.

use super::{
    authorize::{
        AttemptSubject, AuthorizationContext, forms,
        second_factor_page::{FactorProblem, render_problem, render_refused_code},
        start_signed_in_session,
    },
    known_browser::load_known_browser,
};
use crate::{
    accounts::{
        factors::{
            passkeys::load_passkeys,
            recovery_codes::{RecoveryAttempt, recovery_codes_made_at, use_recovery_code},
            suspended_sign_in::resume_sign_in,
            totp::{CodeVerdict, EnrolledTotp, check_totp_code, load_totp},
            used_factor::UsedFactor,
        },
        records::upstream_sessions::SignInSource,
        sessions::active_session::SignedInUser,
    },
    http::{CookiePurpose, EndpointError, Reply},
    identity::AttemptSource,
    model::{AuditEvent, AuditText, SignInFailure, StepUpFailure, ThrottledAttempt},
    protocol::{authorize::NextStep, params::RequestParams, records::SuspendedSignIn},
};

/// Judges the code of the form, and takes the authorization further if it is right.
pub(super) async fn check_second_factor(
    form: &RequestParams,
    mut authorization: AuthorizationContext<'_>,
) -> Result<Reply, EndpointError> {
    let AuthorizationContext { app, request, .. } = authorization;
    let context = app.context(request);
    let sealed = form.get("sign_in");
    let mut user = waiting_person(form, &mut authorization).await?;
    let enrolled = load_totp(context, &user.account).await?;
    let browser = load_known_browser(app, request)?;
    let subject = &user.account.subject;
    // Without an app the recovery codes stand in for passkeys.
    let set_up_at = enrolled.as_ref().map(EnrolledTotp::enrolled_at).unwrap_or_default();
    let known_browser = browser.knows_factor_of(subject, set_up_at, context.store_now);
    let recover = |typed| {
        let source = AttemptSource { address: request.address, known_browser };
        let attempt = RecoveryAttempt { typed, source };
        use_recovery_code(context, &user.account, attempt, &app.login_throttle)
    };
    let passkeys = load_passkeys(context, &user.account).await?;
    let recovery_code = form.get("recovery_code");
    let codes_made_at = match recovery_code {
        Some(_) => recovery_codes_made_at(context, &user.account).await?,
        None => None,
    };
    let verdict = match (recovery_code, enrolled) {
        (Some(typed), Some(_)) => recover(typed).await?,
        (Some(typed), None) if !passkeys.is_empty() => recover(typed).await?,
        // The code is not used up.
        (None, Some(_)) if authorization.wants_passkey_for_change(&passkeys) => {
            let text = request.text().change_needs_passkey();
            let problem = FactorProblem { title: None, text, wait: None };
            return render_problem(&authorization, (&user.account, sealed), problem).await;
        }
        (None, Some(enrolled)) => {
            let typed = form.get("code").unwrap_or_default();
            check_totp_code(context, &user.account, enrolled, typed, known_browser).await?
        }
        // The user has removed the factor since the page was shown, so the page is outdated.
        _ => return Err(forms::session_changed(&authorization)),
    };
    match verdict {
        CodeVerdict::Accepted => {
            let factor = if recovery_code.is_some() {
                user.authentication.prove_recovery_code(context.now);
                UsedFactor::RecoveryCode(codes_made_at)
            } else {
                user.authentication.prove_app_code(context.now);
                UsedFactor::App(set_up_at)
            };
            start_signed_in_session(authorization, user, &factor).await
        }
        verdict => {
            report_refused_code(&authorization, &user, verdict);
            render_refused_code(&authorization, (&user.account, sealed), verdict).await
        }
    }
}

/// The user whose second factor a form contains: the user of a sign-in that waits for it, or of the session.
pub(super) async fn waiting_person(
    form: &RequestParams,
    authorization: &mut AuthorizationContext<'_>,
) -> Result<SignedInUser, EndpointError> {
    let waiting = match form.get("sign_in") {
        Some(sealed) => waiting_user(authorization, sealed).await?,
        None => user_of_session(authorization).await?,
    };
    waiting.ok_or_else(|| forms::session_changed(authorization))
}

/// The user of a sign-in that waits for the second factor.
async fn waiting_user(
    authorization: &mut AuthorizationContext<'_>,
    sealed: &str,
) -> Result<Option<SignedInUser>, EndpointError> {
    let context = authorization.app.context(authorization.request);
    let Some(pending) = context.open::<SuspendedSignIn>(sealed)? else { return Ok(None) };
    authorization.typed_name.clone_from(&pending.typed_name);
    let pre_session = authorization.request.cookie(CookiePurpose::PreSession);
    let place = (pre_session, &authorization.interaction);
    Ok(resume_sign_in(context, pending, place).await?)
}

/// The user of the session; `None` unless the second factor is the next step, because it does not replace a sign-in.
async fn user_of_session(
    authorization: &mut AuthorizationContext<'_>,
) -> Result<Option<SignedInUser>, EndpointError> {
    authorization.load_second_factor().await?;
    if !authorization.has_session_of_page()
        || !matches!(authorization.next_step(None), Ok(NextStep::SecondFactor))
    {
        return Ok(None);
    }
    Ok(authorization.session.as_ref().map(|active| {
        let authentication = active.session.authentication.clone();
        SignedInUser::new(active.account.clone(), authentication, SignInSource::Continued)
    }))
}

/// The reason why a factor is refused, for each of its uses.
#[derive(Clone, Copy, Debug)]
pub(super) struct FactorFailure {
    /// The reason in the audit line of a sign-in.
    pub(super) sign_in: SignInFailure,
    /// The reason in the audit line of a step-up in a session.
    pub(super) step_up: StepUpFailure,
}

/// Reports a code that was not right.
fn report_refused_code(
    authorization: &AuthorizationContext<'_>,
    user: &SignedInUser,
    verdict: CodeVerdict,
) {
    let client = &*authorization.authorization.client;
    if let CodeVerdict::Wait(wait) = verdict {
        let (attempt, client_id) = (ThrottledAttempt::SecondFactor, Some(client.id.as_str()));
        let event = AuditEvent::throttled_attempt(attempt, client_id, wait);
        return authorization.accounts().audit(event);
    }
    let (sign_in, step_up) = if verdict == CodeVerdict::Replayed {
        (SignInFailure::ReplayedCode, StepUpFailure::ReplayedCode)
    } else {
        (SignInFailure::WrongCode, StepUpFailure::WrongCode)
    };
    report_failure(authorization, user, FactorFailure { sign_in, step_up });
}

/// Reports a factor that is refused: of a sign-in, or of a step-up.
pub(super) fn report_failure(
    authorization: &AuthorizationContext<'_>,
    user: &SignedInUser,
    reason: FactorFailure,
) {
    if !matches!(user.source, SignInSource::Continued) {
        let provider = user.account.provider_or_local();
        let (person, reason) = (AttemptSubject::from(&*user.account), (reason.sign_in, None));
        return authorization.audit_failed_sign_in(provider, person, reason);
    }
    let amr = user.authentication.amr().into_iter().map(AuditText::new).collect();
    authorization.accounts().audit(AuditEvent::StepUp {
        client: (&*authorization.authorization.client).into(),
        subject: AuditText::new(user.account.subject.as_str()),
        sid: authorization.session_record().map(|session| AuditText::new(session.sid.as_str())),
        amr,
        reason: Some(reason.step_up),
    });
}
