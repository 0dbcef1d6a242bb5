//! Setting up an authenticator app, and removing it.

use http::StatusCode;

use super::{account_url, change_result::AccountNotice};
use crate::{
    accounts::{
        AccountContext, AccountError,
        factors::{
            passkeys::load_passkeys,
            recovery_codes::{
                NewRecoveryCodes, PreparedCodes, forget_recovery_codes, make_first_recovery_codes,
                make_recovery_codes,
            },
            totp::{
                self, CodeVerdict, TotpSetupRefusal, begin_enrolment, claim_enrolment,
                prove_new_app, store_new_app,
            },
        },
        grants::account_sign_out::{end_all_others, end_other_sessions},
        outbox::mail_notices::notify_person,
        sessions::active_session::ActiveSession,
    },
    http::{
        AppState, EndpointError, Reply, Request,
        endpoints::{
            authorize::second_factor_page::code_problem,
            known_browser::{CompleteSignIn, remember_browser},
        },
        pages::{self, AuthenticatorAppPage, RecoveryCodesPage},
    },
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
pub(super) enum AuthenticatorSetupResult {
    /// The person has an app already.
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
) -> Result<AuthenticatorSetupResult, EndpointError> {
    let context = app.context(request);
    let enrolment: Option<TotpEnrolment> = context.open(form.require("enrolment")?)?;
    let is_current = |it: &TotpEnrolment| {
        it.sid == active.session.sid && request.now < it.expires_at && totp::can_enrol(context)
    };
    let Some(enrolment) = enrolment.filter(is_current) else {
        return Ok(AuthenticatorSetupResult::Expired);
    };
    let typed = form.get("code").unwrap_or_default();
    let account = &active.account;
    let app_to_store = match prove_new_app(context, account, &enrolment.secret, typed).await? {
        Ok(new) => new,
        Err(TotpSetupRefusal::AlreadyEnrolled) => {
            return Ok(AuthenticatorSetupResult::AlreadyEnrolled);
        }
        Err(TotpSetupRefusal::Code(verdict)) => {
            let page = render(app, request, active, (&enrolment, Some(verdict)))?;
            return Ok(AuthenticatorSetupResult::Page(Box::new(page)));
        }
    };
    if !claim_enrolment(context, account, &enrolment).await? {
        return Ok(AuthenticatorSetupResult::Expired);
    }
    let is_replacement = app_to_store.is_replacement();
    let kind = if is_replacement {
        LogoutKind::AuthenticatorRemoved
    } else {
        LogoutKind::AuthenticatorEnrolled
    };
    let codes = prepare_enrolment(context, active, kind).await?;
    if !store_new_app(context, account, app_to_store, None).await? {
        return Ok(AuthenticatorSetupResult::AlreadyEnrolled);
    }
    let codes = codes.confirm(context, account).await;
    end_sessions_meanwhile(context, active, kind).await;
    if is_replacement {
        report_removal(context, active, AuditedAuthenticator::Totp).await;
    }
    report_enrolment(context, active, AuditedAuthenticator::Totp).await;
    let done = |notice: AccountNotice| {
        Reply::see_other(&account_url(request, Some(("done", notice.as_str()))))
    };
    let reply = match codes {
        NewRecoveryCodes::Shown(codes) => {
            let notice = request.text().app_is_set_up();
            show_recovery_codes((context, request), active, notice, &codes).await
        }
        NewRecoveryCodes::None => done(AccountNotice::AuthenticatorSetUp),
        NewRecoveryCodes::OfOtherPage => done(AccountNotice::CodesOfOtherPage),
    };
    // The browser is known by the app from now on.
    let sign_in = CompleteSignIn { account, typed_name: None, has_factors: true };
    Ok(AuthenticatorSetupResult::Page(Box::new(remember_browser((app, request), sign_in, reply)?)))
}

/// Prepares storing an authenticator. Sessions and grants that began without it end. A user without any authenticator
/// gets recovery codes, which are valid only together with an authenticator.
pub(super) async fn prepare_enrolment(
    context: AccountContext<'_>,
    active: &ActiveSession,
    kind: LogoutKind,
) -> Result<PreparedCodes, EndpointError> {
    end_sessions(context, active, kind).await?;
    Ok(make_first_recovery_codes(context, &active.account).await?)
}

/// Ends the other sessions, which began without the authenticator. If it replaces another one, what applications may do
/// ends too, as if that was removed.
async fn end_sessions(
    context: AccountContext<'_>,
    active: &ActiveSession,
    kind: LogoutKind,
) -> Result<(), AccountError> {
    match kind {
        LogoutKind::AuthenticatorRemoved => end_all_others(context, active, kind).await,
        _ => end_other_sessions(context, active, kind).await.map(drop),
    }
}

/// Ends the sessions that began while the authenticator was being stored or removed.
pub(super) async fn end_sessions_meanwhile(
    context: AccountContext<'_>,
    active: &ActiveSession,
    kind: LogoutKind,
) {
    if let Err(error) = end_sessions(context, active, kind).await {
        tracing::warn!(%error, "an authenticator was changed, but sessions that began meanwhile could not be ended");
    }
}

/// Makes new recovery codes, and shows them.
pub(super) async fn show_new_codes(
    (context, request): (AccountContext<'_>, &Request),
    active: &ActiveSession,
    notice: &str,
) -> Result<Reply, EndpointError> {
    let codes = make_recovery_codes(context, &active.account).await?;
    Ok(show_recovery_codes((context, request), active, notice, &codes).await)
}

/// Shows recovery codes that were just made.
pub(super) async fn show_recovery_codes(
    (context, request): (AccountContext<'_>, &Request),
    active: &ActiveSession,
    notice: &str,
    codes: &[String],
) -> Reply {
    report_enrolment(context, active, AuditedAuthenticator::RecoveryCodes).await;
    let html = pages::recovery_codes_page(RecoveryCodesPage {
        tenant: &context.tenant.tenant,
        text: request.text(),
        user: &active.account,
        notice,
        codes,
        account_page: &account_url(request, None),
    });
    Reply::html(StatusCode::OK, html)
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
    let Some(enrolled) = totp::load_totp(context, &active.account).await? else { return Ok(()) };
    end_all_others(context, active, LogoutKind::AuthenticatorRemoved).await?;
    let has_passkeys = !load_passkeys(context, &active.account).await?.is_empty();
    if totp::remove_totp(context, &active.account, &enrolled).await? {
        end_sessions_meanwhile(context, active, LogoutKind::AuthenticatorRemoved).await;
        report_removal(context, active, AuditedAuthenticator::Totp).await;
    }
    // Last, so that a person with an app is never without codes.
    if !has_passkeys {
        forget_recovery_codes(context, &active.account).await?;
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
        sid: Some(AuditText::new(active.session.sid.as_str())),
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
    let action = account_url(request, None);
    let problem = verdict.map(|verdict| code_problem(verdict, request.text()));
    let html = pages::authenticator_app_page(AuthenticatorAppPage {
        tenant: &request.tenant.tenant,
        text: request.text(),
        user: &active.account,
        lead: request.text().app_setup_lead(),
        action: &action,
        hidden: &[("interaction", &interaction), ("enrolment", &sealed)],
        secret: &enrolment.secret,
        problem: problem.as_deref(),
        back: Some(&action),
    });
    let status = if verdict.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(Reply::html(status, html).header("referrer-policy", "same-origin"))
}
