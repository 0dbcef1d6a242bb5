//! `I/invitation`: the pages that the link of an invitation leads to. Opening it writes nothing, because
//! link scanners open it too. The last form uses the invitation up: that of the password, or of the authenticator that
//! the tenant requires.

mod factor;
mod factor_page;

use http::StatusCode;

use super::{
    account_sign_in::continue_to_account_page,
    browser_form::{bind_form, check_form_origin, form_is_of_browser},
    new_password::hash_new_password,
};
use crate::{
    accounts::{
        AccountContext,
        factors::required_factors::MissingFactor,
        grants::account_sign_out::end_all_of_person,
        invitations::{
            invitation_links::{OpenedInvitation, check_invitation_link, open_invitation_link},
            invited_setup::set_up_password,
        },
        outbox::mail_notices::notify_person,
        passwords::chosen_passwords::chosen_password_mark,
        records::upstream_sessions::SignInSource,
        sessions::active_session::SignedInUser,
    },
    http::{
        AppState, EndpointError, Reply, Request, UnusablePage,
        pages::{self, ChoosePasswordPage},
    },
    messages::MessageCatalog,
    model::{
        Account, AuditEvent, AuditText, AuditedInvitation, AuditedPasswordChange, Endpoint,
        InvitationRefusal, LogoutKind, PasswordChangeWay,
    },
    protocol::{
        authentication::{Authentication, AuthenticationMethod},
        records::{InvitationLink, InvitedFactorForm, NoticedChange, PasswordForm},
    },
};

/// The field with the sealed state of the form for an authenticator.
const SETUP: &str = "setup";

/// `GET I/invitation`: the page for the password, or that for the authenticator.
pub async fn get(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let context = app.context(&request);
    let params = request.query_params()?;
    let link = params
        .get("token")
        .map(|token| open_invitation_link(context, token))
        .transpose()?
        .flatten();
    let (invited, link) = invited_person((context, &request), link).await?;
    let bound = bind_form(app, &request);
    let form = PasswordForm { link, browser: bound.browser, expires_at: bound.expires_at };
    let page = match invited.missing.filter(|_| !invited.chooses_password) {
        Some(missing) => set_up_factor((context, &request), (&invited, missing), (form, None))?,
        None => render((context, &request), &invited.account, (&form, None))?,
    };
    Ok(bound.with_cookie(page))
}

/// The page for the authenticator, which keeps the hash of the password that was chosen before.
fn set_up_factor(
    (context, request): (AccountContext<'_>, &Request),
    (invited, missing): (&OpenedInvitation, MissingFactor),
    (form, password_hash): (PasswordForm, Option<String>),
) -> Result<Reply, EndpointError> {
    let factor = factor::new_factor(context, missing, &form.link);
    let PasswordForm { link, browser, expires_at } = form;
    let form = InvitedFactorForm { link, browser, expires_at, password_hash, factor };
    factor_page::render_factor_page((context, request), &invited.account, (&form, None))
}

/// `POST I/invitation`: the forms. The person is signed in with what was set up.
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    check_form_origin(&request)?;
    let context = app.context(&request);
    let fields = request.form()?.reject_duplicates()?;
    if fields.get(SETUP).is_some() {
        return factor::confirm_factor(app, &request, &fields).await;
    }
    let form: Option<PasswordForm> = context.open(fields.require("form")?)?;
    let form = form.filter(|it| form_is_of_browser((&it.browser, it.expires_at), &request));
    let Some(form) = form else { return Err(page_expired(request.text())) };
    let (invited, link) = invited_person((context, &request), Some(form.link.clone())).await?;
    if !invited.chooses_password {
        return Err(page_expired(request.text()));
    }
    let account = &invited.account;
    let hash = match hash_new_password((app, &request), account, &fields).await? {
        Ok(hash) => hash,
        Err(refusal) => {
            let problem = refusal.in_words(request.text());
            return render((context, &request), account, (&form, Some(&problem)));
        }
    };
    if let Some(missing) = invited.missing {
        return set_up_factor((context, &request), (&invited, missing), (form, Some(hash)));
    }
    let chosen_password = chosen_password_mark(context, &account.subject, &hash);
    if !set_up_password(context, (account, &link), hash).await? {
        return Err(refuse_invitation_link(
            (context, &request),
            Some(&link),
            InvitationRefusal::Used,
        ));
    }
    context.audit(AuditEvent::InvitationRedeemed { invitation: audited(&link) });
    report_password((context, &link), account).await;
    end_all_of_person(context, account, LogoutKind::PasswordChanged).await?;
    let account = invited.account;
    let (method, subject) = (AuthenticationMethod::password(), account.subject.clone());
    let authentication = Authentication::by(method, subject, request.now);
    let user = SignedInUser {
        chosen_password,
        ..SignedInUser::new(account, authentication, SignInSource::Tenant)
    };
    continue_to_account_page(app, &request, user).await
}

/// The person whom a link invites, or the page that says why the link does not work.
async fn invited_person(
    (context, request): (AccountContext<'_>, &Request),
    link: Option<InvitationLink>,
) -> Result<(OpenedInvitation, InvitationLink), EndpointError> {
    let Some(link) = link else {
        return Err(refuse_invitation_link((context, request), None, InvitationRefusal::Damaged));
    };
    match check_invitation_link(context, &link).await? {
        Ok(invited) => Ok((invited, link)),
        Err(refusal) => Err(refuse_invitation_link((context, request), Some(&link), refusal)),
    }
}

fn render(
    (context, request): (AccountContext<'_>, &Request),
    account: &Account,
    (form, problem): (&PasswordForm, Option<&str>),
) -> Result<Reply, EndpointError> {
    let tenant = &context.tenant.tenant;
    let sealed = context.seal(form)?;
    let text = request.text();
    let lead = text.invited_lead(&tenant.display_name).to_string();
    let html = pages::choose_password_page(ChoosePasswordPage {
        tenant,
        text,
        user: account,
        title: text.welcome_title(),
        lead: &lead,
        action: &Endpoint::Invitation.absolute_path(&tenant.issuer),
        hidden: &[("form", &sealed)],
        problem,
        back: None,
    });
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    // The token in the address is not sent to anyone, and the form still has an origin.
    Ok(Reply::html(status, html).header("referrer-policy", "same-origin"))
}

/// Reports the password that the person chose, also to the person.
async fn report_password(
    (context, link): (AccountContext<'_>, &InvitationLink),
    account: &Account,
) {
    let (by, subject) = (PasswordChangeWay::Invitation, AuditText::new(link.subject.as_str()));
    let change = AuditedPasswordChange { by, subject, sid: None };
    context.audit(AuditEvent::PasswordChanged { change });
    notify_person(context, account, NoticedChange::PasswordChanged).await;
}

fn audited(link: &InvitationLink) -> AuditedInvitation<'_> {
    AuditedInvitation {
        subject: Some(AuditText::new(link.subject.as_str())),
        invitation: Some(AuditText::new(link.id.as_str())),
    }
}

/// The page for a link that does not work. A damaged link names no user reliably, so there is no audit line for it.
fn refuse_invitation_link(
    (context, request): (AccountContext<'_>, &Request),
    link: Option<&InvitationLink>,
    reason: InvitationRefusal,
) -> EndpointError {
    if let Some(link) = link {
        let invitation = audited(link);
        context.audit(AuditEvent::InvitationRefused { invitation, reason });
    }
    unusable(words(reason, request.text()))
}

/// Title, message and advice.
type RefusalWords<'a> = (&'a str, &'a str, &'a str);

fn words(reason: InvitationRefusal, text: &MessageCatalog) -> RefusalWords<'_> {
    match reason {
        InvitationRefusal::Damaged => (
            text.link_invalid_title(),
            text.invitation_damaged_text(),
            text.invitation_damaged_advice(),
        ),
        InvitationRefusal::Used => (
            text.invitation_used_title(),
            text.invitation_used_text(),
            text.invitation_used_advice(),
        ),
        InvitationRefusal::Expired => (
            text.invitation_expired_title(),
            text.invitation_expired_text(),
            text.invitation_expired_advice(),
        ),
        InvitationRefusal::Withdrawn => (
            text.invitation_withdrawn_title(),
            text.invitation_withdrawn_text(),
            text.invitation_withdrawn_advice(),
        ),
        InvitationRefusal::Disabled => {
            (text.account_blocked_title(), text.account_blocked_text(), text.ask_inviter())
        }
        InvitationRefusal::NotOffered => {
            (text.no_passwords_title(), text.no_passwords_text(), text.no_passwords_advice())
        }
        InvitationRefusal::NotKept => {
            (text.passwords_not_kept_title(), text.passwords_not_kept_text(), text.tell_inviter())
        }
    }
}

fn page_expired(text: &MessageCatalog) -> EndpointError {
    let (title, message) = (text.page_expired_title(), text.invitation_page_expired());
    unusable((title, message, text.invitation_open_again()))
}

/// The page for a store that failed when the password was stored, and the authenticator was not.
fn setup_interrupted(text: &MessageCatalog) -> EndpointError {
    let words =
        (text.setup_interrupted_title(), text.setup_interrupted_text(), text.setup_again_advice());
    unusable_page(words, StatusCode::SERVICE_UNAVAILABLE)
}

fn unusable(words: RefusalWords<'_>) -> EndpointError {
    unusable_page(words, StatusCode::BAD_REQUEST)
}

fn unusable_page((title, message, advice): RefusalWords<'_>, status: StatusCode) -> EndpointError {
    EndpointError::UnusablePage(Box::new(UnusablePage {
        title: title.to_owned(),
        message: message.to_owned(),
        advice: advice.to_owned(),
        start_again: None,
        status,
        code: "invitation_unusable",
    }))
}
