//! Setting up an authenticator app, and removing it.

use http::StatusCode;

use crate::{
    accounts::{
        AccountContext,
        account_sign_out::{end_all_others, end_other_sessions},
        mail_notices::notify_person,
        passkeys::load_passkeys,
        recovery_codes::{forget_recovery_codes, make_recovery_codes},
        sessions::ActiveSession,
        totp::{self, CodeVerdict, EnrolmentResult, begin_enrolment, confirm_enrolment},
    },
    http::{
        AppState, EndpointError, Reply, Request,
        endpoints::{
            authorize::second_factor_page::code_problem,
            known_browser::{CompleteSignIn, remember_browser},
        },
        pages::{self, AuthenticatorAppPage},
    },
    messages::MessageCatalog,
    model::{AuditEvent, AuditText, AuditedAuthenticator, AuditedAuthenticatorChange, LogoutKind},
    protocol::{
        authorize::Interaction,
        params::RequestParams,
        records::{NoticedChange, TotpEnrolment},
    },
};

/// The page for setting up an app, with a new secret.
pub(super) fn show_setup(
    app: &AppState,
    request: &Request,
    active: &ActiveSession,
) -> Result<Reply, EndpointError> {
    let enrolment = begin_enrolment(app.context(request), &active.session.sid);
    render(app, request, active, (&enrolment, None))
}

/// The result of the page's form.
pub(super) enum SetupResult {
    /// There is an app already.
    AlreadyEnrolled,
    /// The recovery codes, or the page with what was wrong.
    Page(Box<Reply>),
    /// The page was open for too long, or is of another session.
    Expired,
}

/// Stores an app whose code is right.
pub(super) async fn confirm_setup(
    app: &AppState,
    request: &Request,
    active: &ActiveSession,
    form: &RequestParams,
) -> Result<SetupResult, EndpointError> {
    let context = app.context(request);
    let enrolment: Option<TotpEnrolment> = context.open(form.require("enrolment")?)?;
    let is_current = |it: &TotpEnrolment| {
        it.sid == active.session.sid && request.now < it.expires_at && totp::can_enrol(context)
    };
    let Some(enrolment) = enrolment.filter(is_current) else { return Ok(SetupResult::Expired) };
    let typed = form.get("code").unwrap_or_default();
    Ok(match confirm_enrolment(context, &active.account, &enrolment, typed).await? {
        EnrolmentResult::Enrolled => match complete_setup(app, request, active).await {
            Ok(page) => {
                report_enrolment(context, active, AuditedAuthenticator::Totp).await;
                SetupResult::Page(Box::new(page))
            }
            Err(error) => {
                // Nobody has an app without having seen the codes.
                totp::remove_totp(context, &active.account).await?;
                return Err(error);
            }
        },
        EnrolmentResult::AlreadyEnrolled => SetupResult::AlreadyEnrolled,
        EnrolmentResult::Refused(verdict) => {
            SetupResult::Page(Box::new(render(app, request, active, (&enrolment, Some(verdict)))?))
        }
    })
}

/// Ends the other sessions of the person, which began without the app, and shows the recovery codes. The
/// browser is known by the app from now on.
async fn complete_setup(
    app: &AppState,
    request: &Request,
    active: &ActiveSession,
) -> Result<Reply, EndpointError> {
    let context = app.context(request);
    end_other_sessions(context, active, LogoutKind::AuthenticatorEnrolled).await?;
    let text = request.text();
    let page = show_new_codes((context, text), active, text.app_is_set_up()).await?;
    let account = &active.account;
    let sign_in = CompleteSignIn { account, typed_name: None, has_factors: true };
    remember_browser((app, request), sign_in, page)
}

/// Makes new recovery codes, and shows them.
pub(super) async fn show_new_codes(
    (context, text): (AccountContext<'_>, &MessageCatalog),
    active: &ActiveSession,
    notice: &str,
) -> Result<Reply, EndpointError> {
    let codes = make_recovery_codes(context, &active.account).await?;
    report_enrolment(context, active, AuditedAuthenticator::RecoveryCodes).await;
    let tenant = &context.tenant.tenant;
    let html = pages::recovery_codes_page((tenant, text), &active.account, notice, &codes);
    Ok(Reply::html(StatusCode::OK, html))
}

/// Reports that the person has set up an authenticator, also to the person.
pub(super) async fn report_enrolment(
    context: AccountContext<'_>,
    active: &ActiveSession,
    authenticator: AuditedAuthenticator,
) {
    let change = audited_change(active, authenticator);
    context.audit(AuditEvent::AuthenticatorEnrolled { change });
    notify_person(context, &active.account, NoticedChange::enrolled(authenticator)).await;
}

/// Removes the app of the person. All other sessions and what applications may do end before, since
/// they were made with the app.
pub(super) async fn remove_app(
    context: AccountContext<'_>,
    active: &ActiveSession,
) -> Result<(), EndpointError> {
    if totp::load_totp(context, &active.account).await?.is_none() {
        return Ok(());
    }
    end_all_others(context, active, LogoutKind::AuthenticatorRemoved).await?;
    if load_passkeys(context, &active.account).await?.is_empty() {
        forget_recovery_codes(context, &active.account).await?;
    }
    if totp::remove_totp(context, &active.account).await? {
        report_removal(context, active, AuditedAuthenticator::Totp).await;
    }
    Ok(())
}

/// Reports that the person has removed an authenticator, also to the person.
pub(super) async fn report_removal(
    context: AccountContext<'_>,
    active: &ActiveSession,
    authenticator: AuditedAuthenticator,
) {
    let change = audited_change(active, authenticator);
    context.audit(AuditEvent::AuthenticatorRemoved { change });
    if let Some(notice) = NoticedChange::removed(authenticator) {
        notify_person(context, &active.account, notice).await;
    }
}

fn audited_change(
    active: &ActiveSession,
    authenticator: AuditedAuthenticator,
) -> AuditedAuthenticatorChange<'_> {
    AuditedAuthenticatorChange {
        authenticator,
        subject: AuditText::new(active.account.subject.as_str()),
        sid: AuditText::new(active.session.sid.as_str()),
    }
}

fn render(
    app: &AppState,
    request: &Request,
    active: &ActiveSession,
    (enrolment, verdict): (&TotpEnrolment, Option<CodeVerdict>),
) -> Result<Reply, EndpointError> {
    let context = app.context(request);
    let interaction = context.seal(&Interaction::change_account(&active.session, request.now))?;
    let sealed = context.seal(enrolment)?;
    let problem = verdict.map(|verdict| code_problem(verdict, request.text()));
    let html = pages::authenticator_app_page(AuthenticatorAppPage {
        tenant: &request.tenant.tenant,
        text: request.text(),
        user: &active.account,
        interaction: &interaction,
        enrolment: &sealed,
        secret: &enrolment.secret,
        problem: problem.as_deref(),
    });
    let status = if verdict.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(Reply::html(status, html).header("referrer-policy", "same-origin"))
}
