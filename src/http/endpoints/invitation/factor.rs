//! The page of an invitation on which the user sets up the authenticator that the tenant requires, after the page for
//! the password. Nothing is stored before the authenticator was proved. Then password and authenticator are stored
//! together.

use std::sync::Arc;

use http::StatusCode;

use super::{
    SETUP, audited,
    factor_page::{new_challenge, proposed_name, render_factor_page_again},
    invited_person, page_expired, refuse_invitation_link, report_password, setup_interrupted,
};
use crate::{
    accounts::{
        AccountContext,
        factors::{
            passkey_enrolment::{PasskeyOwner, prove_new_passkey},
            passkeys::passkey_name,
            recovery_codes::NewRecoveryCodes,
            required_factors::MissingFactor,
            totp::{TotpSetupRefusal, new_secret, prove_new_app},
        },
        grants::account_sign_out::end_all_of_person,
        invitations::{
            invitation_links::OpenedInvitation,
            invited_setup::{InvitedSetupResult, NewFactor, place_of_invitation, set_up_invited},
        },
        outbox::mail_notices::notify_person,
        passwords::chosen_passwords::chosen_password_mark,
        records::upstream_sessions::SignInSource,
        sessions::active_session::SignedInUser,
    },
    http::{
        AppState, EndpointError, Reply, Request,
        endpoints::{
            account::{account_url, url_with_codes_of_other_page},
            account_sign_in::start_account_session,
            authorize::second_factor_page::code_problem,
            browser_form::form_is_of_browser,
            passkey::decode_field,
        },
        pages::{self, RecoveryCodesPage},
    },
    messages::MessageCatalog,
    model::{
        Account, AuditEvent, AuditText, AuditedAuthenticator, AuditedAuthenticatorChange,
        InvitationRefusal, LogoutKind,
    },
    protocol::{
        authentication::{Authentication, AuthenticationMethod},
        params::RequestParams,
        records::{InvitationLink, InvitedFactor, InvitedFactorForm, NoticedChange},
        webauthn::RegistrationResponse,
    },
};

/// The reason why an authenticator is not set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InvitedFactorRefusal {
    /// The app is not proved.
    App(TotpSetupRefusal),
    /// The passkey is not proved.
    Passkey,
}

impl InvitedFactorRefusal {
    /// The refusal as a text of the page.
    fn in_words(self, text: &MessageCatalog) -> String {
        match self {
            Self::App(TotpSetupRefusal::Code(verdict)) => code_problem(verdict, text),
            Self::App(TotpSetupRefusal::AlreadyEnrolled) => text.app_exists().to_owned(),
            Self::Passkey => text.passkey_setup_refused().to_owned(),
        }
    }
}

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
        Err(refusal) => {
            let problem = refusal.in_words(request.text());
            return render_factor_page_again((context, request), account, (&form, &problem));
        }
    };
    let hash = form.password_hash.as_deref();
    match set_up_invited(context, (account, &link), factor, hash).await? {
        InvitedSetupResult::Done(codes) => {
            Ok(finish((app, request), invited, (&form, &codes)).await)
        }
        InvitedSetupResult::Used => {
            Err(refuse_invitation_link((context, request), Some(&link), InvitationRefusal::Used))
        }
        InvitedSetupResult::Refused => {
            let problem = request.text().passkey_setup_failed();
            render_factor_page_again((context, request), account, (&form, problem))
        }
        InvitedSetupResult::OnlyPassword => {
            report_password((context, &link), account).await;
            Err(setup_interrupted(request.text()))
        }
    }
}

/// Returns true if the person still sets up what the form is for.
fn fits(form: &InvitedFactorForm, invited: &OpenedInvitation) -> bool {
    let factor = match form.factor {
        InvitedFactor::App(_) => MissingFactor::App,
        InvitedFactor::Passkey(_) => MissingFactor::Passkey,
    };
    invited.missing == Some(factor) && invited.chooses_password == form.password_hash.is_some()
}

/// The authenticator of the form if its answer proves it.
async fn prove_factor(
    (context, request): (AccountContext<'_>, &Request),
    account: &Account,
    (form, fields): (&InvitedFactorForm, &RequestParams),
) -> Result<Result<NewFactor, InvitedFactorRefusal>, EndpointError> {
    match &form.factor {
        InvitedFactor::App(secret) => {
            let typed = fields.get("code").unwrap_or_default();
            let proved = prove_new_app(context, account, secret, typed).await?;
            Ok(proved.map(NewFactor::App).map_err(InvitedFactorRefusal::App))
        }
        InvitedFactor::Passkey(challenge) => {
            let decoded =
                decode_field(fields, "client_data").zip(decode_field(fields, "attestation_object"));
            let Some((client_data, attestation_object)) = decoded else {
                return Ok(Err(InvitedFactorRefusal::Passkey));
            };
            let response = RegistrationResponse {
                client_data: &client_data,
                attestation_object: &attestation_object,
            };
            let name = passkey_name(fields.get("name").unwrap_or_default());
            let name = name.unwrap_or_else(|| proposed_name(request));
            let place = &place_of_invitation(&form.link);
            let invitation = Some(form.link.id.as_str());
            let owner = PasskeyOwner { account, provider: None, place, invitation };
            let proved = prove_new_passkey(context, owner, challenge, (response, name)).await?;
            Ok(proved.map(NewFactor::Passkey).map_err(|_| InvitedFactorRefusal::Passkey))
        }
    }
}

/// Reports the setup, and shows the recovery codes, or the account page to a person who gets none. A person who has
/// proved a password or a passkey is signed in. The authenticator is stored, and its codes can be shown only now, so
/// a write that fails here is logged.
async fn finish(
    (app, request): (&AppState, &Request),
    invited: OpenedInvitation,
    (form, codes): (&InvitedFactorForm, &NewRecoveryCodes),
) -> Reply {
    let (context, account) = (app.context(request), invited.account);
    context.audit(AuditEvent::InvitationRedeemed { invitation: audited(&form.link) });
    let kind = if form.password_hash.is_some() {
        report_password((context, &form.link), &account).await;
        LogoutKind::PasswordChanged
    } else {
        LogoutKind::AuthenticatorEnrolled
    };
    report_enrolment(context, &account, kind_of(&form.factor)).await;
    if matches!(codes, NewRecoveryCodes::Shown(_)) {
        report_enrolment(context, &account, AuditedAuthenticator::RecoveryCodes).await;
    }
    if let Err(error) = end_all_of_person(context, &account, kind).await {
        tracing::warn!(%error, "an invited person has set up an authenticator, but earlier sessions could not be ended");
    }
    let page = || match codes {
        NewRecoveryCodes::Shown(codes) => {
            show_recovery_codes((context, request), &account, (form, codes.as_slice()))
        }
        NewRecoveryCodes::None => Reply::see_other(&account_url(request, None)),
        NewRecoveryCodes::OfOtherPage => Reply::see_other(&url_with_codes_of_other_page(request)),
    };
    let Some(user) = signed_in_user((context, request), &account, form) else { return page() };
    start_account_session(app, request, user, page()).await.unwrap_or_else(|error| {
        error.log();
        tracing::warn!("an invited person has set up an authenticator, but has to sign in, since no session could be started");
        page()
    })
}

/// The person who has signed in by the setup, if it proved enough.
fn signed_in_user(
    (context, request): (AccountContext<'_>, &Request),
    account: &Arc<Account>,
    form: &InvitedFactorForm,
) -> Option<SignedInUser> {
    let authentication = authentication(form, account, request)?;
    let hash = form.password_hash.as_deref();
    let chosen_password =
        hash.and_then(|hash| chosen_password_mark(context, &account.subject, hash));
    let user = SignedInUser::new(Arc::clone(account), authentication, SignInSource::Tenant);
    Some(SignedInUser { chosen_password, ..user })
}

fn show_recovery_codes(
    (context, request): (AccountContext<'_>, &Request),
    account: &Account,
    (form, codes): (&InvitedFactorForm, &[String]),
) -> Reply {
    let text = request.text();
    let notice = match form.factor {
        InvitedFactor::App(_) => text.app_is_set_up(),
        InvitedFactor::Passkey(_) => text.passkey_is_set_up(),
    };
    let html = pages::recovery_codes_page(RecoveryCodesPage {
        tenant: &context.tenant.tenant,
        text,
        user: account,
        notice,
        codes,
        account_page: &account_url(request, None),
    });
    Reply::html(StatusCode::OK, html)
}

const fn kind_of(factor: &InvitedFactor) -> AuditedAuthenticator {
    match factor {
        InvitedFactor::App(_) => AuditedAuthenticator::Totp,
        InvitedFactor::Passkey(_) => AuditedAuthenticator::Passkey,
    }
}

/// How the person has signed in by the setup. `None` if only a second factor was proved: the app alone, or a
/// passkey that does not replace the sign-in at a provider.
fn authentication(
    form: &InvitedFactorForm,
    account: &Account,
    request: &Request,
) -> Option<Authentication> {
    let (subject, now) = (account.subject.clone(), request.now);
    let is_passkey = matches!(form.factor, InvitedFactor::Passkey(_));
    if form.password_hash.is_none() {
        let is_whole = is_passkey && account.asked_provider().is_none();
        return is_whole.then(|| Authentication::by_passkey(subject, now));
    }
    let mut proved = Authentication::by(AuthenticationMethod::password(), subject, now);
    if is_passkey {
        proved.prove_passkey(now);
    } else {
        proved.prove_app_code(now);
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
