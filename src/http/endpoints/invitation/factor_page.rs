//! The page of an invitation on which the person sets up an authenticator.

use http::StatusCode;

use super::SETUP;
use crate::{
    accounts::{
        AccountContext, factors::passkey_challenge::enrolment_challenge,
        invitations::invited_setup::place_of_invitation,
    },
    http::{
        EndpointError, Reply, Request,
        pages::{self, AuthenticatorAppPage, PasskeySetupPage, proposed_passkey_name},
    },
    model::{Account, Endpoint},
    protocol::{
        records::{
            ChallengePurpose, InvitationLink, InvitedFactor, InvitedFactorForm, PasskeyChallenge,
        },
        webauthn::RelyingParty,
    },
};

pub(super) fn new_challenge(
    context: AccountContext<'_>,
    link: &InvitationLink,
) -> PasskeyChallenge {
    enrolment_challenge(context, &place_of_invitation(link), &[])
}

/// The page with the problem. A passkey gets a new challenge, because each challenge is answered once.
pub(super) fn render_factor_page_again(
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

/// Renders the setup page. `problem`: a text about the attempt before, if it failed.
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

pub(super) fn proposed_name(request: &Request) -> String {
    proposed_passkey_name(request.header("user-agent"), request.text())
}
