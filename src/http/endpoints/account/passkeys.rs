//! Setting up passkeys, naming and removing them.

use http::StatusCode;

use super::{
    account_url,
    authenticator_app::{
        end_sessions_meanwhile, prepare_enrolment, report_enrolment, report_removal,
        show_recovery_codes,
    },
    change_result::{AccountChangeResult, AccountNotice},
};
use crate::{
    accounts::{
        AccountContext,
        factors::{
            passkey_challenge::enrolment_challenge,
            passkey_enrolment::{
                NewPasskey, NewPasskeyRefusal, claim_new_passkey, is_enrolment_of,
                prove_new_passkey, store_new_passkey,
            },
            passkeys::{
                self, MAX_PASSKEYS, StoredPasskey, load_passkeys, passkey_name, remove_passkey,
            },
            recovery_codes::{NewRecoveryCodes, forget_recovery_codes},
            totp::load_totp,
        },
        grants::account_sign_out::end_all_others,
        sessions::active_session::ActiveSession,
    },
    http::{
        AppState, EndpointError, Reply, Request,
        endpoints::passkey::decode_field,
        pages::{self, PasskeyEntry, PasskeyPage, PasskeySetupPage, proposed_passkey_name},
    },
    model::{AuditedAuthenticator, LogoutKind},
    protocol::{
        authorize::Interaction,
        params::RequestParams,
        records::{ChallengePurpose, PasskeyChallenge},
        webauthn::{RegistrationResponse, RelyingParty},
    },
};

/// The page for setting up a passkey, with a new challenge. `None` if the person has as many as can be.
pub(super) async fn show_passkey_setup(
    app: &AppState,
    request: &Request,
    active: &ActiveSession,
) -> Result<Option<Reply>, EndpointError> {
    let existing = load_passkeys(app.context(request), &active.account).await?;
    if existing.len() >= MAX_PASSKEYS {
        return Ok(None);
    }
    let challenge = enrolment_challenge(app.context(request), &active.session.sid, &existing);
    render_setup((app, request), active, (&challenge, &existing), (None, None))
}

/// The page for changing a passkey; `None` if the person has none with this id.
pub(super) async fn show_passkey(
    (app, request): (&AppState, &Request),
    active: &ActiveSession,
    id: &str,
    problem: Option<&str>,
) -> Result<Option<Reply>, EndpointError> {
    let context = app.context(request);
    let found = load_passkeys(context, &active.account).await?;
    let Some(found) = found.iter().find(|passkey| passkey.id() == id) else { return Ok(None) };
    let interaction = context.seal(&Interaction::change_account(&active.session, request.now))?;
    let html = pages::passkey_page(PasskeyPage {
        tenant: &request.tenant.tenant,
        text: request.text(),
        action: &account_url(request, None),
        interaction: &interaction,
        passkey: passkey_entry(found),
        problem,
    });
    Ok(Some(page_of(html, problem)))
}

/// A passkey on the account page.
pub(super) fn passkey_entry(passkey: &StoredPasskey) -> PasskeyEntry<'_> {
    PasskeyEntry { id: passkey.id(), passkey: &passkey.passkey }
}

/// Stores the passkey that the browser has made.
pub(super) async fn confirm_passkey(
    (app, request): (&AppState, &Request),
    active: &ActiveSession,
    form: &RequestParams,
) -> Result<AccountChangeResult, EndpointError> {
    let context = app.context(request);
    let challenge: Option<PasskeyChallenge> = context.open(form.require("challenge")?)?;
    // A page that is shown again has the same challenge, so that an old page does not get a longer lifetime.
    let challenge = challenge.filter(|it| is_enrolment_of(context, active.into(), it));
    let Some(challenge) = challenge else { return Ok(AccountChangeResult::Expired) };
    let typed = form.get("name").unwrap_or_default();
    let name = passkey_name(typed).unwrap_or_else(|| proposed_name(request));
    let decoded = decode_field(form, "client_data").zip(decode_field(form, "attestation_object"));
    let existing = load_passkeys(context, &active.account).await?;
    let refused = || -> Result<AccountChangeResult, EndpointError> {
        let shown = (Some(name.as_str()), Some(request.text().passkey_setup_refused()));
        let page = render_setup((app, request), active, (&challenge, &existing), shown)?;
        Ok(page
            .map_or(AccountChangeResult::Expired, |page| AccountChangeResult::Page(Box::new(page))))
    };
    let Some((client_data, attestation_object)) = decoded else { return refused() };
    let response =
        RegistrationResponse { client_data: &client_data, attestation_object: &attestation_object };
    let proved = prove_new_passkey(context, active.into(), &challenge, (response, name.clone()));
    match proved.await? {
        Ok(new) => store_passkey((context, request), active, new).await,
        Err(NewPasskeyRefusal::Answer(error)) => {
            tracing::info!(reason = %error, "a passkey was refused at its registration");
            refused()
        }
        Err(NewPasskeyRefusal::Exists) => {
            Ok(AccountChangeResult::Done(AccountNotice::PasskeyExists))
        }
        Err(NewPasskeyRefusal::Expired) => Ok(AccountChangeResult::Expired),
    }
}

/// Stores a passkey after all that belongs to it, and reports it. A person who had no authenticator sees recovery
/// codes.
async fn store_passkey(
    (context, request): (AccountContext<'_>, &Request),
    active: &ActiveSession,
    new: NewPasskey,
) -> Result<AccountChangeResult, EndpointError> {
    let kind = LogoutKind::AuthenticatorEnrolled;
    if !claim_new_passkey(context, &active.account, &new).await? {
        return Ok(AccountChangeResult::Expired);
    }
    let codes = prepare_enrolment(context, active, kind).await?;
    if !store_new_passkey(context, &active.account, new).await? {
        return Ok(AccountChangeResult::Done(AccountNotice::PasskeyExists));
    }
    let codes = codes.confirm(context, &active.account).await;
    end_sessions_meanwhile(context, active, kind).await;
    let result = match codes {
        NewRecoveryCodes::Shown(codes) => {
            let notice = request.text().passkey_is_set_up();
            let page = show_recovery_codes((context, request), active, notice, &codes).await;
            AccountChangeResult::Page(Box::new(page))
        }
        NewRecoveryCodes::None => AccountChangeResult::Done(AccountNotice::PasskeySetUp),
        NewRecoveryCodes::OfOtherPage => AccountChangeResult::Done(AccountNotice::CodesOfOtherPage),
    };
    report_enrolment(context, active, AuditedAuthenticator::Passkey).await;
    Ok(result)
}

/// Gives a passkey another name.
pub(super) async fn rename_own_passkey(
    (app, request): (&AppState, &Request),
    active: &ActiveSession,
    (id, typed): (&str, &str),
) -> Result<AccountChangeResult, EndpointError> {
    let Some(name) = passkey_name(typed) else {
        let page = show_passkey((app, request), active, id, Some(request.text().passkey_unnamed()))
            .await?;
        return Ok(page.map_or(AccountChangeResult::Expired, |page| {
            AccountChangeResult::Page(Box::new(page))
        }));
    };
    let context = app.context(request);
    if passkeys::rename_passkey(context, &active.account, (id, &name)).await? {
        return Ok(AccountChangeResult::Done(AccountNotice::PasskeyRenamed));
    }
    Ok(AccountChangeResult::Expired)
}

/// Removes a passkey. All other sessions and what applications may do end before, because they can have been made
/// with it.
pub(super) async fn remove_own_passkey(
    app: &AppState,
    request: &Request,
    active: &ActiveSession,
    id: &str,
) -> Result<(), EndpointError> {
    let context = app.context(request);
    let mut own = load_passkeys(context, &active.account).await?;
    let Some(place) = own.iter().position(|passkey| passkey.id() == id) else { return Ok(()) };
    let passkey = own.swap_remove(place);
    end_all_others(context, active, LogoutKind::AuthenticatorRemoved).await?;
    let has_other = !own.is_empty() || load_totp(context, &active.account).await?.is_some();
    if remove_passkey(context, &active.account, &passkey).await? {
        end_sessions_meanwhile(context, active, LogoutKind::AuthenticatorRemoved).await;
        report_removal(context, active, AuditedAuthenticator::Passkey).await;
    }
    // Last, so that a person with a passkey is never without codes.
    if !has_other {
        forget_recovery_codes(context, &active.account).await?;
    }
    Ok(())
}

/// The page for setting up a passkey: with a name that was typed, and a problem.
fn render_setup(
    (app, request): (&AppState, &Request),
    active: &ActiveSession,
    (challenge, existing): (&PasskeyChallenge, &[StoredPasskey]),
    (name, problem): (Option<&str>, Option<&str>),
) -> Result<Option<Reply>, EndpointError> {
    let (context, tenant) = (app.context(request), &request.tenant.tenant);
    let relying_party = RelyingParty::of(&tenant.issuer);
    let ChallengePurpose::Enrolment { user_handle, .. } = &challenge.purpose else {
        return Ok(None);
    };
    let Some(relying_party) = relying_party else { return Ok(None) };
    let interaction = context.seal(&Interaction::change_account(&active.session, request.now))?;
    let (proposed, sealed) = (proposed_name(request), context.seal(challenge)?);
    let action = account_url(request, None);
    let html = pages::passkey_setup_page(&PasskeySetupPage {
        tenant,
        text: request.text(),
        user: &active.account,
        lead: request.text().passkey_setup_lead(),
        without_script: request.text().passkey_setup_javascript(),
        rp_id: relying_party.id,
        action: &action,
        hidden: &[
            ("interaction", &interaction),
            ("action", "confirm-passkey"),
            ("challenge", &sealed),
        ],
        challenge: &challenge.challenge,
        user_handle,
        existing: existing.iter().map(|it| &*it.passkey.credential_id).collect(),
        name: name.unwrap_or(&proposed),
        problem,
        back: Some(&action),
    });
    Ok(Some(page_of(html, problem).with_script()))
}

fn proposed_name(request: &Request) -> String {
    proposed_passkey_name(request.header("user-agent"), request.text())
}

fn page_of(html: String, problem: Option<&str>) -> Reply {
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Reply::html(status, html).header("referrer-policy", "same-origin")
}
