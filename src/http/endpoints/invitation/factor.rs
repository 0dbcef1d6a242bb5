//! The page of an invitation on which the person sets up the authenticator that the tenant requires, after the one
//! for the password. Nothing is stored before the authenticator was proved; then everything is at once.

use http::StatusCode;

use super::{audited, invited_person, page_expired, refuse, report_password};
use crate::{
    accounts::{
        AccountContext,
        account_sign_out::end_all_of_person,
        invitations::InvitedPerson,
        invited_setup::{InvitedSetupResult, NewFactor, place_of_invitation, set_up_invited},
        mail_notices::notify_person,
        passkey_challenge::enrolment_challenge,
        passkey_enrolment::{PasskeyOwner, prove_new_passkey},
        passkeys::passkey_name,
        required_factors::MissingFactor,
        sessions::SignedInUser,
        totp::{NewAppRefusal, new_secret, prove_new_app},
        upstream_sessions::SignInSource,
    },
    http::{
        AppState, EndpointError, Reply, Request,
        endpoints::{
            account::account_url, account_sign_in::start_account_session,
            authorize::second_factor_page::code_problem, browser_form::form_is_of_browser,
            passkey::decode_field,
        },
        pages::{
            self, AuthenticatorAppPage, PasskeySetupPage, RecoveryCodesPage, proposed_passkey_name,
        },
    },
    model::{
        Account, AuditEvent, AuditText, AuditedAuthenticator, AuditedAuthenticatorChange, Endpoint,
        InvitationRefusal, LogoutKind,
    },
    protocol::{
        authentication::{Authentication, AuthenticationMethod},
        params::RequestParams,
        records::{
            ChallengePurpose, InvitationLink, InvitedFactor, InvitedFactorForm, NoticedChange,
            PasskeyChallenge,
        },
        webauthn::{RegistrationResponse, RelyingParty},
    },
};

/// The field of the form with its sealed state.
pub(super) const SETUP: &str = "setup";

/// A new authenticator to set up.
pub(super) fn new_factor(
    context: AccountContext<'_>,
    missing: MissingFactor,
    link: &InvitationLink,
) -> InvitedFactor {
    match missing {
        MissingFactor::App => InvitedFactor::App(new_secret(context)),
        MissingFactor::Passkey => InvitedFactor::Passkey(new_challenge(context, link)),
    }
}

fn new_challenge(context: AccountContext<'_>, link: &InvitationLink) -> PasskeyChallenge {
    enrolment_challenge(context, &place_of_invitation(link), &[])
}

/// Judges the form of the page. If the authenticator is proved, the person has it, and the password.
pub(super) async fn confirm_factor(
    app: &AppState,
    request: &Request,
    fields: &RequestParams,
) -> Result<Reply, EndpointError> {
    let context = app.context(request);
    let form: Option<InvitedFactorForm> = context.open(fields.require(SETUP)?)?;
    let form = form.filter(|it| form_is_of_browser((&it.browser, it.expires_at), request));
    let Some(form) = form else { return Err(page_expired(request.text())) };
    let (invited, link) = invited_person((context, request), Some(form.link.clone())).await?;
    if !fits(&form, &invited) {
        return Err(page_expired(request.text()));
    }
    let account = &invited.account;
    let factor = match prove_factor((context, request), account, (&form, fields)).await? {
        Ok(factor) => factor,
        Err(problem) => return show_again((context, request), account, (&form, &problem)),
    };
    let hash = form.password_hash.as_deref();
    match set_up_invited(context, (account, &link), factor, hash).await? {
        InvitedSetupResult::Done(codes) => finish((app, request), invited, (&form, &codes)).await,
        InvitedSetupResult::Used => {
            Err(refuse((context, request), Some(&link), InvitationRefusal::Used))
        }
        InvitedSetupResult::Refused => {
            let problem = request.text().passkey_setup_failed();
            show_again((context, request), account, (&form, problem))
        }
    }
}

/// Returns true if the person still sets up what the form is for.
fn fits(form: &InvitedFactorForm, invited: &InvitedPerson) -> bool {
    let factor = match form.factor {
        InvitedFactor::App(_) => MissingFactor::App,
        InvitedFactor::Passkey(_) => MissingFactor::Passkey,
    };
    invited.missing == Some(factor) && invited.chooses_password == form.password_hash.is_some()
}

/// The authenticator of the form if its answer proves it, or what is wrong with it in words.
async fn prove_factor(
    (context, request): (AccountContext<'_>, &Request),
    account: &Account,
    (form, fields): (&InvitedFactorForm, &RequestParams),
) -> Result<Result<NewFactor, String>, EndpointError> {
    let text = request.text();
    match &form.factor {
        InvitedFactor::App(secret) => {
            let typed = fields.get("code").unwrap_or_default();
            Ok(match prove_new_app(context, account, secret, typed).await? {
                Ok(app) => Ok(NewFactor::App(app)),
                Err(NewAppRefusal::Code(verdict)) => Err(code_problem(verdict, text)),
                Err(NewAppRefusal::AlreadyEnrolled) => Err(text.app_exists().to_owned()),
            })
        }
        InvitedFactor::Passkey(challenge) => {
            let refused = || Ok(Err(text.passkey_setup_refused().to_owned()));
            let decoded =
                decode_field(fields, "client_data").zip(decode_field(fields, "attestation_object"));
            let Some((client_data, attestation_object)) = decoded else { return refused() };
            let response = RegistrationResponse {
                client_data: &client_data,
                attestation_object: &attestation_object,
            };
            let name = passkey_name(fields.get("name").unwrap_or_default());
            let name = name.unwrap_or_else(|| proposed_name(request));
            let place = &place_of_invitation(&form.link);
            let owner = PasskeyOwner { account, provider: None, place };
            match prove_new_passkey(context, owner, challenge, (response, name)).await? {
                Ok(passkey) => Ok(Ok(NewFactor::Passkey(passkey))),
                Err(_) => refused(),
            }
        }
    }
}

/// Reports the setup, and shows the recovery codes. A person who has proved a password or a passkey is signed in.
async fn finish(
    (app, request): (&AppState, &Request),
    invited: InvitedPerson,
    (form, codes): (&InvitedFactorForm, &[String]),
) -> Result<Reply, EndpointError> {
    let (context, account) = (app.context(request), invited.account);
    context.audit(AuditEvent::InvitationRedeemed { invitation: audited(&form.link) });
    let kind = if form.password_hash.is_some() {
        report_password((context, &form.link), &account).await;
        LogoutKind::PasswordChanged
    } else {
        LogoutKind::AuthenticatorEnrolled
    };
    let authenticator = match form.factor {
        InvitedFactor::App(_) => AuditedAuthenticator::Totp,
        InvitedFactor::Passkey(_) => AuditedAuthenticator::Passkey,
    };
    for authenticator in [authenticator, AuditedAuthenticator::RecoveryCodes] {
        report_enrolment(context, &account, authenticator).await;
    }
    end_all_of_person(context, &account, kind).await?;
    let text = request.text();
    let notice = match form.factor {
        InvitedFactor::App(_) => text.app_is_set_up(),
        InvitedFactor::Passkey(_) => text.passkey_is_set_up(),
    };
    let html = pages::recovery_codes_page(RecoveryCodesPage {
        tenant: &context.tenant.tenant,
        text,
        user: &account,
        notice,
        codes,
        account_page: &account_url(request, None),
    });
    let page = Reply::html(StatusCode::OK, html);
    match authentication(form, &account, request) {
        Some(authentication) => {
            let user = SignedInUser::new(account, authentication, SignInSource::Tenant);
            start_account_session(app, request, user, page).await
        }
        None => Ok(page),
    }
}

/// How the person has signed in by the setup; `None` if the app alone was proved, which is a second factor.
fn authentication(
    form: &InvitedFactorForm,
    account: &Account,
    request: &Request,
) -> Option<Authentication> {
    let (subject, now) = (account.subject.clone(), request.now);
    let is_passkey = matches!(form.factor, InvitedFactor::Passkey(_));
    if form.password_hash.is_none() {
        return is_passkey.then(|| Authentication::by_passkey(subject, now));
    }
    let mut proved = Authentication::by(AuthenticationMethod::password(), subject, now);
    if is_passkey {
        proved.prove_passkey(now);
    } else {
        proved.prove_second_factor(now);
    }
    Some(proved)
}

async fn report_enrolment(
    context: AccountContext<'_>,
    account: &Account,
    authenticator: AuditedAuthenticator,
) {
    let subject = AuditText::new(account.subject.as_str());
    let change = AuditedAuthenticatorChange { authenticator, subject, sid: None };
    context.audit(AuditEvent::AuthenticatorEnrolled { change });
    notify_person(context, account, NoticedChange::enrolled(authenticator)).await;
}

/// The page with what is wrong. A passkey gets a new challenge, since it answers one once.
fn show_again(
    (context, request): (AccountContext<'_>, &Request),
    account: &Account,
    (form, problem): (&InvitedFactorForm, &str),
) -> Result<Reply, EndpointError> {
    let factor = match &form.factor {
        InvitedFactor::App(secret) => InvitedFactor::App(secret.clone()),
        InvitedFactor::Passkey(_) => InvitedFactor::Passkey(new_challenge(context, &form.link)),
    };
    let form = InvitedFactorForm { factor, ..form.clone() };
    render_factor_page((context, request), account, (&form, Some(problem)))
}

/// The page.
pub(super) fn render_factor_page(
    (context, request): (AccountContext<'_>, &Request),
    account: &Account,
    (form, problem): (&InvitedFactorForm, Option<&str>),
) -> Result<Reply, EndpointError> {
    let (tenant, text) = (&context.tenant.tenant, request.text());
    let sealed = context.seal(form)?;
    let action = Endpoint::Invitation.absolute_path(&tenant.issuer);
    let hidden = [(SETUP, sealed.as_str())];
    let page = match &form.factor {
        InvitedFactor::App(secret) => {
            let lead = text.invited_app_lead(&tenant.display_name).to_string();
            let html = pages::authenticator_app_page(AuthenticatorAppPage {
                tenant,
                text,
                user: account,
                lead: &lead,
                action: &action,
                hidden: &hidden,
                secret,
                problem,
                back: None,
            });
            Reply::html(StatusCode::OK, html)
        }
        InvitedFactor::Passkey(challenge) => {
            let lead = text.invited_passkey_lead(&tenant.display_name).to_string();
            let (relying_party, user_handle) =
                RelyingParty::of(&tenant.issuer).zip(user_handle(challenge)).unzip();
            let html = pages::passkey_setup_page(&PasskeySetupPage {
                tenant,
                text,
                user: account,
                lead: &lead,
                without_script: text.passkey_needs_javascript_here(),
                rp_id: relying_party.map(|it| it.id).unwrap_or_default(),
                action: &action,
                hidden: &hidden,
                challenge: &challenge.challenge,
                user_handle: user_handle.unwrap_or_default(),
                existing: Vec::new(),
                name: &proposed_name(request),
                problem,
                back: None,
            });
            Reply::html(StatusCode::OK, html).with_script()
        }
    };
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(page.status(status).header("referrer-policy", "same-origin"))
}

fn user_handle(challenge: &PasskeyChallenge) -> Option<&[u8]> {
    match &challenge.purpose {
        ChallengePurpose::Enrolment { user_handle, .. } => Some(user_handle),
        ChallengePurpose::SignIn(_) => None,
    }
}

fn proposed_name(request: &Request) -> String {
    proposed_passkey_name(request.header("user-agent"), request.text())
}
