//! `I/password-reset`: the page for people who forgot their password, and the page that the mailed link leads to.
//! Opening either writes nothing, because link scanners open links too.

use std::sync::Arc;

use http::StatusCode;

use super::{
    account_sign_in::continue_to_account_page,
    browser_form::{bind_form, check_form_origin, form_is_of_browser},
    new_password::hash_new_password,
};
use crate::{
    accounts::{
        AccountContext,
        grants::account_sign_out::end_all_of_person,
        outbox::mail_notices::notify_person,
        passwords::{
            chosen_passwords::chosen_password_mark,
            password_reset::{
                admit_reset_request, check_reset_link, choose_by_reset_link, offers_reset,
                request_reset,
            },
        },
        records::upstream_sessions::SignInSource,
        sessions::active_session::SignedInUser,
    },
    http::{
        AppState, EndpointError, Reply, Request, UnusablePage,
        pages::{self, ChoosePasswordPage, ForgottenPasswordPage},
    },
    messages::MessageCatalog,
    model::{
        Account, AuditEvent, AuditText, AuditedPasswordChange, AuditedPasswordReset, Endpoint,
        LogoutKind, PasswordChangeWay, PasswordResetRefusal, ThrottledAttempt,
    },
    protocol::{
        authentication::{Authentication, AuthenticationMethod},
        params::RequestParams,
        records::{NoticedChange, PasswordResetForm, PasswordResetLink},
    },
};

/// Longest name or address that is looked up.
const MAX_NAME_LEN: usize = 256;

/// `GET I/password-reset`: the page of a link from a mail, or without a token the page that asks for the name.
pub async fn get(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let context = app.context(&request);
    let params = request.query_params()?;
    let Some(token) = params.get("token") else {
        refuse_without_mail((context, &request))?;
        return Ok(ask_for_name((context, &request), false));
    };
    let link: Option<PasswordResetLink> = context.open(token)?;
    let (account, link) = person_of_link((context, &request), link).await?;
    let bound = bind_form(app, &request);
    let form = PasswordResetForm { link, browser: bound.browser, expires_at: bound.expires_at };
    let page = render((context, &request), &account, (&form, None))?;
    Ok(bound.with_cookie(page))
}

/// `POST I/password-reset`: the name of the person who forgot the password, or the new password.
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    check_form_origin(&request)?;
    let fields = request.form()?.reject_duplicates()?;
    if fields.get("form").is_some() {
        return choose(app, &request, &fields).await;
    }
    mail_link((app.context(&request), &request), &fields)
}

/// Has a link mailed. The answer and its time are the same whether an account exists or not: it is looked up later.
fn mail_link(
    (context, request): (AccountContext<'_>, &Request),
    fields: &RequestParams,
) -> Result<Reply, EndpointError> {
    refuse_without_mail((context, request))?;
    let typed = fields.get("username").unwrap_or_default();
    if let Err(wait) = admit_reset_request(context) {
        let attempt = ThrottledAttempt::PasswordReset;
        context.audit(AuditEvent::throttled_attempt(attempt, None, wait));
        let text = request.text();
        let words = (
            text.too_many_resets_title(),
            text.too_many_resets_text(),
            text.too_many_resets_advice(),
        );
        return Err(unusable(words, StatusCode::TOO_MANY_REQUESTS));
    }
    if typed.len() <= MAX_NAME_LEN {
        request_reset(context, typed);
    }
    Ok(ask_for_name((context, request), true))
}

/// Stores the new password, and signs the person in with it.
async fn choose(
    app: &AppState,
    request: &Request,
    fields: &RequestParams,
) -> Result<Reply, EndpointError> {
    let context = app.context(request);
    let form: Option<PasswordResetForm> = context.open(fields.require("form")?)?;
    let form = form.filter(|it| form_is_of_browser((&it.browser, it.expires_at), request));
    let Some(form) = form else { return Err(expired_page(request.text())) };
    let (account, link) = person_of_link((context, request), Some(form.link.clone())).await?;
    let hash = match hash_new_password((app, request), &account, fields).await? {
        Ok(hash) => hash,
        Err(refusal) => {
            let problem = refusal.in_words(request.text());
            return render((context, request), &account, (&form, Some(&problem)));
        }
    };
    let chosen_password = chosen_password_mark(context, &account.subject, &hash);
    if !choose_by_reset_link(context, (&account, &link), hash).await? {
        return Err(refuse_reset_link((context, request), &link, PasswordResetRefusal::Used));
    }
    let (by, subject) = (PasswordChangeWay::Reset, AuditText::new(link.subject.as_str()));
    let change = AuditedPasswordChange { by, subject, sid: None };
    context.audit(AuditEvent::PasswordChanged { change });
    notify_person(context, &account, NoticedChange::PasswordChanged).await;
    end_all_of_person(context, &account, LogoutKind::PasswordChanged).await?;
    let (method, subject) = (AuthenticationMethod::password(), account.subject.clone());
    let authentication = Authentication::by(method, subject, request.now);
    let user = SignedInUser {
        chosen_password,
        ..SignedInUser::new(account, authentication, SignInSource::Tenant)
    };
    continue_to_account_page(app, request, user).await
}

/// The person of a link, or the page that says why the link does not work.
async fn person_of_link(
    (context, request): (AccountContext<'_>, &Request),
    link: Option<PasswordResetLink>,
) -> Result<(Arc<Account>, PasswordResetLink), EndpointError> {
    let Some(link) = link else {
        let text = request.text();
        let words =
            (text.link_invalid_title(), text.reset_damaged_text(), text.reset_damaged_advice());
        return Err(unusable(words, StatusCode::BAD_REQUEST));
    };
    match check_reset_link(context, &link).await? {
        Ok(account) => Ok((account, link)),
        Err(refusal) => Err(refuse_reset_link((context, request), &link, refusal)),
    }
}

fn expired_page(text: &MessageCatalog) -> EndpointError {
    let words = (text.page_expired_title(), text.reset_page_expired(), text.reset_open_again());
    unusable(words, StatusCode::BAD_REQUEST)
}

fn refuse_without_mail(
    (context, request): (AccountContext<'_>, &Request),
) -> Result<(), EndpointError> {
    if offers_reset(&context.tenant.tenant) {
        return Ok(());
    }
    let text = request.text();
    let words = (text.no_reset_title(), text.no_reset_text(), text.no_reset_advice());
    Err(unusable(words, StatusCode::NOT_FOUND))
}

fn ask_for_name((context, request): (AccountContext<'_>, &Request), is_sent: bool) -> Reply {
    let (tenant, text) = (&context.tenant.tenant, request.text());
    let html = pages::forgotten_password_page(ForgottenPasswordPage { tenant, text, is_sent });
    Reply::html(StatusCode::OK, html).header("referrer-policy", "same-origin")
}

fn render(
    (context, request): (AccountContext<'_>, &Request),
    account: &Account,
    (form, problem): (&PasswordResetForm, Option<&str>),
) -> Result<Reply, EndpointError> {
    let (tenant, text) = (&context.tenant.tenant, request.text());
    let sealed = context.seal(form)?;
    let html = pages::choose_password_page(ChoosePasswordPage {
        tenant,
        text,
        user: account,
        title: text.reset_title(),
        lead: text.reset_lead(),
        action: &Endpoint::PasswordReset.absolute_path(&tenant.issuer),
        hidden: &[("form", &sealed)],
        problem,
        back: None,
    });
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    // The token in the address is not sent to anyone, and the form still has an origin.
    Ok(Reply::html(status, html).header("referrer-policy", "same-origin"))
}

fn refuse_reset_link(
    (context, request): (AccountContext<'_>, &Request),
    link: &PasswordResetLink,
    reason: PasswordResetRefusal,
) -> EndpointError {
    let subject = AuditText::new(link.subject.as_str());
    let reset = AuditedPasswordReset { subject, reason: Some(reason) };
    context.audit(AuditEvent::PasswordReset { reset });
    unusable(words(reason, request.text()), StatusCode::BAD_REQUEST)
}

/// Title, message and advice of a page.
type PageWords<'a> = (&'a str, &'a str, &'a str);

fn words(reason: PasswordResetRefusal, text: &MessageCatalog) -> PageWords<'_> {
    match reason {
        PasswordResetRefusal::Used => {
            (text.reset_used_title(), text.reset_used_text(), text.reset_ask_again())
        }
        PasswordResetRefusal::Expired => {
            (text.reset_expired_title(), text.reset_expired_text(), text.reset_ask_again())
        }
        PasswordResetRefusal::Withdrawn => (
            text.reset_withdrawn_title(),
            text.reset_withdrawn_text(),
            text.reset_withdrawn_advice(),
        ),
    }
}

fn unusable((title, message, advice): PageWords<'_>, status: StatusCode) -> EndpointError {
    EndpointError::UnusablePage(Box::new(UnusablePage {
        title: title.to_owned(),
        message: message.to_owned(),
        advice: advice.to_owned(),
        start_again: None,
        status,
        code: "password_reset_unusable",
    }))
}
