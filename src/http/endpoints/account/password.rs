//! The page on which a signed-in user chooses a new password.

use http::StatusCode;

use super::account_url;
use crate::{
    accounts::{
        AccountContext,
        grants::account_sign_out::end_all_others,
        outbox::mail_notices::notify_person,
        passwords::chosen_passwords::{
            PasswordChoice, can_choose_password, load_password, save_password,
        },
        sessions::active_session::ActiveSession,
    },
    http::{
        AppState, EndpointError, Reply, Request,
        endpoints::new_password::hash_new_password,
        pages::{self, ChoosePasswordPage},
    },
    model::{AuditEvent, AuditText, AuditedPasswordChange, LogoutKind, PasswordChangeWay},
    protocol::{authorize::Interaction, params::RequestParams, records::NoticedChange},
};

/// The page with the form.
pub(super) fn show_form(
    (context, request): (AccountContext<'_>, &Request),
    active: &ActiveSession,
    problem: Option<&str>,
) -> Result<Reply, EndpointError> {
    let (tenant, text) = (&context.tenant.tenant, request.text());
    let interaction = context.seal(&Interaction::change_account(&active.session, context.now))?;
    let path = account_url(request, None);
    let html = pages::choose_password_page(ChoosePasswordPage {
        tenant,
        text,
        user: &active.account,
        title: text.change_password_title(),
        lead: text.change_password_lead(),
        action: &path,
        hidden: &[("interaction", &interaction)],
        problem,
        back: Some(&path),
    });
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(Reply::html(status, html).header("referrer-policy", "same-origin"))
}

/// The result of the form.
pub(super) enum PasswordChangeResult {
    /// The password is changed.
    Changed,
    /// The person has no password that could be changed.
    NotPossible,
    /// The page with what was wrong.
    Page(Box<Reply>),
}

/// Changes the password. All other sessions and what applications may do end.
pub(super) async fn change_password(
    (app, request): (&AppState, &Request),
    active: &ActiveSession,
    form: &RequestParams,
) -> Result<PasswordChangeResult, EndpointError> {
    let (context, account) = (app.context(request), &*active.account);
    if !can_choose_password(context, account) || load_password(context, account).await?.is_none() {
        return Ok(PasswordChangeResult::NotPossible);
    }
    let hash = match hash_new_password((app, request), account, form).await? {
        Ok(hash) => hash,
        Err(refusal) => {
            let problem = refusal.in_words(request.text());
            let page = show_form((context, request), active, Some(&problem))?;
            return Ok(PasswordChangeResult::Page(Box::new(page)));
        }
    };
    let sid = active.session.sid.as_str();
    save_password(context, account, hash, PasswordChoice::Session(sid)).await?;
    context.audit(AuditEvent::PasswordChanged {
        change: AuditedPasswordChange {
            by: PasswordChangeWay::AccountPage,
            subject: AuditText::new(account.subject.as_str()),
            sid: Some(AuditText::new(sid)),
        },
    });
    notify_person(context, account, NoticedChange::PasswordChanged).await;
    end_all_others(context, active, LogoutKind::PasswordChanged).await?;
    Ok(PasswordChangeResult::Changed)
}
