//! `I/invitation`: the page that the link of an invitation leads to. Opening it writes nothing, because
//! link scanners open it too. Its form uses the invitation up.

use std::{sync::Arc, time::Duration};

use http::StatusCode;

use super::{
    account_sign_in::continue_to_account_page,
    new_password::{form_is_of_browser, hash_new_password},
};
use crate::{
    accounts::{
        AccountContext,
        account_sign_out::end_all_of_person,
        invitations::{judge_link, open_link, redeem_invitation, restore_invitation},
        mail_notices::notify_person,
        passwords::save_password,
        sessions::SignedInUser,
        upstream_sessions::SignInSource,
    },
    http::{
        AppState, CookiePurpose, EndpointError, Reply, Request, UnusablePage,
        pages::{self, ChoosePasswordPage},
    },
    messages::MessageCatalog,
    model::{
        Account, AuditEvent, AuditText, AuditedInvitation, AuditedPasswordChange, Endpoint,
        InvitationRefusal, LogoutKind, PasswordChangeWay,
    },
    protocol::{
        authentication::{Authentication, AuthenticationMethod},
        authorize::pre_session_hash,
        error::{ErrorCode, OAuthError},
        records::{InvitationLink, NoticedChange, PasswordForm},
    },
};

/// How long the page can be used: time to think of a password.
const FORM_TTL: Duration = Duration::from_mins(30);

/// `GET I/invitation`: the page.
pub async fn get(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let context = app.context(&request);
    let params = request.query_params()?;
    let link = params.get("token").map(|token| open_link(context, token)).transpose()?.flatten();
    let (account, link) = invited_person((context, &request), link).await?;
    let known = request.cookie(CookiePurpose::PreSession).map(str::to_owned);
    let pre_session = known.clone().unwrap_or_else(|| app.accounts.entropy.token());
    let form = PasswordForm {
        link,
        browser: pre_session_hash(&pre_session),
        expires_at: request.now.plus(FORM_TTL),
    };
    let page = render((context, &request), &account, (&form, None))?;
    Ok(if known.is_none() { page.cookie(CookiePurpose::PreSession, &pre_session) } else { page })
}

/// `POST I/invitation`: the form. The person is signed in with the new password.
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    if !request.same_origin() {
        let text = "The form was sent from another site.";
        return Err(OAuthError::new(ErrorCode::InvalidRequest, text).into());
    }
    let context = app.context(&request);
    let fields = request.form()?.reject_duplicates()?;
    let form: Option<PasswordForm> = context.open(fields.require("form")?)?;
    let Some(form) = form.filter(|it| form_is_of_browser((&it.browser, it.expires_at), &request))
    else {
        let text = request.text();
        let words = (
            text.page_expired_title(),
            text.invitation_page_expired(),
            text.invitation_open_again(),
        );
        return Err(unusable(words));
    };
    let (account, link) = invited_person((context, &request), Some(form.link.clone())).await?;
    let hash = match hash_new_password((app, &request), &account, &fields).await? {
        Ok(hash) => hash,
        Err(problem) => {
            return render((context, &request), &account, (&form, Some(&problem)));
        }
    };
    if !redeem_invitation(context, &account, &link).await? {
        return Err(refuse((context, &request), Some(&link), InvitationRefusal::Used));
    }
    if let Err(error) = save_password(context, &account, hash, None).await {
        restore_invitation(context, &link).await?;
        return Err(error.into());
    }
    report(context, &link);
    notify_person(context, &account, NoticedChange::PasswordChanged).await;
    end_all_of_person(context, &account, LogoutKind::PasswordChanged).await?;
    let (method, subject) = (AuthenticationMethod::password(), account.subject.clone());
    let authentication = Authentication::by(method, subject, request.now);
    let user = SignedInUser { account, authentication, source: SignInSource::Tenant };
    continue_to_account_page(app, &request, user).await
}

/// The person whom a link invites, or the page that says why the link does not work.
async fn invited_person(
    (context, request): (AccountContext<'_>, &Request),
    link: Option<InvitationLink>,
) -> Result<(Arc<Account>, InvitationLink), EndpointError> {
    let Some(link) = link else {
        return Err(refuse((context, request), None, InvitationRefusal::Damaged));
    };
    match judge_link(context, &link).await? {
        Ok(account) => Ok((account, link)),
        Err(refusal) => Err(refuse((context, request), Some(&link), refusal)),
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
    // The token in the address is not told to anyone, and the form still has an origin.
    Ok(Reply::html(status, html).header("referrer-policy", "same-origin"))
}

fn report(context: AccountContext<'_>, link: &InvitationLink) {
    context.audit(AuditEvent::InvitationRedeemed { invitation: audited(link) });
    let (by, subject) = (PasswordChangeWay::Invitation, AuditText::new(link.subject.as_str()));
    let change = AuditedPasswordChange { by, subject, sid: None };
    context.audit(AuditEvent::PasswordChanged { change });
}

fn audited(link: &InvitationLink) -> AuditedInvitation<'_> {
    AuditedInvitation {
        subject: Some(AuditText::new(link.subject.as_str())),
        invitation: Some(AuditText::new(link.id.as_str())),
    }
}

/// The page for a link that does not work. A damaged one may be of anyone, so it has no audit line.
fn refuse(
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

fn unusable((title, message, advice): RefusalWords<'_>) -> EndpointError {
    EndpointError::UnusablePage(Box::new(UnusablePage {
        title: title.to_owned(),
        message: message.to_owned(),
        advice: advice.to_owned(),
        start_again: None,
        status: StatusCode::BAD_REQUEST,
        code: "invitation_unusable",
    }))
}
