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
    let (account, link) = invited_person(context, link).await?;
    let known = request.cookie(CookiePurpose::PreSession).map(str::to_owned);
    let pre_session = known.clone().unwrap_or_else(|| app.accounts.entropy.token());
    let form = PasswordForm {
        link,
        browser: pre_session_hash(&pre_session),
        expires_at: request.now.plus(FORM_TTL),
    };
    let page = render(context, &account, (&form, None))?;
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
        return Err(unusable("This page has expired", EXPIRED, OPEN_AGAIN));
    };
    let (account, link) = invited_person(context, Some(form.link.clone())).await?;
    let hash = match hash_new_password((app, &request), &account, &fields).await? {
        Ok(hash) => hash,
        Err(problem) => return render(context, &account, (&form, Some(&problem))),
    };
    if !redeem_invitation(context, &account, &link).await? {
        return Err(refuse(context, Some(&link), InvitationRefusal::Used));
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
    context: AccountContext<'_>,
    link: Option<InvitationLink>,
) -> Result<(Arc<Account>, InvitationLink), EndpointError> {
    let Some(link) = link else {
        return Err(refuse(context, None, InvitationRefusal::Damaged));
    };
    match judge_link(context, &link).await? {
        Ok(account) => Ok((account, link)),
        Err(refusal) => Err(refuse(context, Some(&link), refusal)),
    }
}

fn render(
    context: AccountContext<'_>,
    account: &Account,
    (form, problem): (&PasswordForm, Option<&str>),
) -> Result<Reply, EndpointError> {
    let tenant = &context.tenant.tenant;
    let sealed = context.seal(form)?;
    let lead =
        format!("You were invited to {}. Choose a password to sign in with.", tenant.display_name);
    let html = pages::choose_password_page(ChoosePasswordPage {
        tenant,
        user: account,
        title: "Welcome",
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
    context: AccountContext<'_>,
    link: Option<&InvitationLink>,
    reason: InvitationRefusal,
) -> EndpointError {
    if let Some(link) = link {
        let invitation = audited(link);
        context.audit(AuditEvent::InvitationRefused { invitation, reason });
    }
    let (title, message, advice) = words(reason);
    unusable(title, message, advice)
}

const EXPIRED: &str =
    "It was open for more than half an hour, or this browser blocks cookies from this site.";
const OPEN_AGAIN: &str = "Nothing was changed. Open the link of your invitation again.";
const ASK_AGAIN: &str = "Ask the person who invited you for a new invitation.";

const fn words(reason: InvitationRefusal) -> (&'static str, &'static str, &'static str) {
    match reason {
        InvitationRefusal::Damaged => (
            "This link is not valid",
            "It is damaged or incomplete, or it belongs to another service.",
            "Copy the whole link of your invitation into the address bar. If that does not help, ask for a new invitation.",
        ),
        InvitationRefusal::Used => (
            "This invitation was used",
            "Each invitation works once, and this one was used already.",
            "If you used it, sign in with the password that you chose. If not, tell the person who invited you at once, and ask for a new invitation.",
        ),
        InvitationRefusal::Expired => (
            "This invitation has expired",
            "Invitations can be used for a limited time.",
            ASK_AGAIN,
        ),
        InvitationRefusal::Withdrawn => (
            "This invitation does not count any more",
            "It was withdrawn, or there is a newer one.",
            "Look for a newer invitation, or ask the person who invited you for one.",
        ),
        InvitationRefusal::Disabled => (
            "This account is blocked",
            "Nobody can sign in with it at the moment.",
            "Ask the person who invited you.",
        ),
        InvitationRefusal::NotOffered => (
            "You cannot choose a password here",
            "People of this service get their passwords from the administrator, or sign in another way.",
            "Ask the person who invited you how to sign in.",
        ),
        InvitationRefusal::NotKept => (
            "You cannot choose a password at the moment",
            "This service is not set up to keep passwords. Your invitation was not used up.",
            "Tell the person who invited you.",
        ),
    }
}

fn unusable(title: &'static str, message: &'static str, advice: &'static str) -> EndpointError {
    EndpointError::UnusablePage(Box::new(UnusablePage {
        title: title.into(),
        message: message.into(),
        advice: advice.into(),
        start_again: None,
        status: StatusCode::BAD_REQUEST,
        code: "invitation_unusable",
    }))
}
