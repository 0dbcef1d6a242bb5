//! `I/account`: the account page of a person who is signed in, and the portal of the applications. It
//! works without scripts.

mod authenticator_app;
mod change;
mod change_result;
mod logos;
mod passkeys;
mod password;
mod view;
mod waiting_requests;

pub(super) use waiting_requests::answered_request_url;

use change::{AUTHENTICATOR_APP, AccountChange, PASSKEY, PASSWORD, apply_change};
use change_result::{AccountChangeResult, AccountNotice};
use http::StatusCode;
use url::form_urlencoded;

use super::{
    authorize::{authorize_error, begin_authorization},
    logout::signed_out_response,
};
use crate::{
    accounts::{
        factors::{
            passkey_enrolment::can_enrol_passkeys,
            passkeys::{StoredPasskey, load_passkeys},
            required_factors::proof_for_changes,
            totp::{EnrolledTotp, can_enrol, load_totp, replaces_app},
        },
        passwords::chosen_passwords::{ChosenPassword, can_choose_password, load_password},
        sessions::active_session::ActiveSession,
    },
    http::{AppState, EndpointError, Reply, Request, UnusablePage, pages},
    model::{Endpoint, Issuer},
    protocol::{
        account_change::may_change_account,
        account_page::{AccountPageSignIn, account_page_params, validate_account_page_request},
        authorize::{Interaction, InteractionGoal},
        error::{ErrorCode, OAuthError},
        params::{RequestParams, UI_LOCALES},
        required_factor::may_see_account_page,
    },
};

/// The parameter that asks for a fresh sign-in.
const CONFIRM: &str = "confirm";
/// The parameter that asks for the choice of an account.
const CHOOSE: &str = "choose";
/// The parameter that names an authenticator to set up.
const SETUP: &str = "setup";

/// The authenticators of a person.
struct EnrolledFactors {
    totp: Option<EnrolledTotp>,
    passkeys: Vec<StoredPasskey>,
    password: Option<ChosenPassword>,
}

/// `GET I/account`: the page, or the sign-in that leads to it.
pub async fn get(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let params = request.query_params()?;
    match app.session(&request).await? {
        // The person cancelled the sign-in.
        None if params.get("error").is_some() => Ok(Reply::html(
            StatusCode::OK,
            pages::cancelled_sign_in_page(&request.tenant.tenant, request.text()),
        )),
        active if params.get(CHOOSE).is_some() => {
            sign_in(app, &request, active, AccountPageSignIn::ChooseAccount).await
        }
        None => sign_in(app, &request, None, AccountPageSignIn::Visit).await,
        Some(active) => show(app, &request, active, &params).await,
    }
}

/// The page, or one of its steps.
async fn show(
    app: &AppState,
    request: &Request,
    active: ActiveSession,
    params: &RequestParams,
) -> Result<Reply, EndpointError> {
    if !has_factors(request, &active) {
        return sign_in(app, request, Some(active), AccountPageSignIn::Visit).await;
    }
    let context = app.context(request);
    let totp = load_totp(context, &active.account).await?;
    let passkeys = load_passkeys(context, &active.account).await?;
    let password = load_password(context, &active.account).await?;
    let proof = proof_for_changes(totp.is_some(), &passkeys);
    let is_fresh = may_change_account(&active.session.authentication, proof, request.now);
    let sets_up = params.get(SETUP) == Some(AUTHENTICATOR_APP)
        && (totp.is_none() || replaces_app(context))
        && can_enrol(context);
    let adds_passkey = params.get(SETUP) == Some(PASSKEY) && can_enrol_passkeys(context);
    let changes_password = params.get(SETUP) == Some(PASSWORD)
        && password.is_some()
        && can_choose_password(context, &active.account);
    let changed = params.get(PASSKEY).filter(|id| passkeys.iter().any(|it| it.id() == *id));
    let wants_fresh = params.get(CONFIRM).is_some()
        || sets_up
        || adds_passkey
        || changes_password
        || changed.is_some();
    if wants_fresh && !is_fresh {
        let provider = active.session.origin.as_ref().map(|it| it.provider.clone());
        let how = AccountPageSignIn::Confirm { provider: provider.as_deref() };
        return sign_in(app, request, Some(active), how).await;
    }
    if sets_up {
        return authenticator_app::show_setup(app, request, &active);
    }
    if changes_password {
        return password::show_form((context, request), &active, None);
    }
    let page = if adds_passkey {
        passkeys::show_passkey_setup(app, request, &active).await?
    } else if let Some(id) = changed {
        passkeys::show_passkey((app, request), &active, id, None).await?
    } else {
        None
    };
    if let Some(page) = page {
        return Ok(page);
    }
    let enrolled = EnrolledFactors { totp, passkeys, password };
    view::show_account_page(app, request, (&active, &enrolled), params).await
}

/// `POST I/account`: the forms of the page.
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    if !request.same_origin() {
        let text = "The form was sent from another site.";
        return Err(OAuthError::new(ErrorCode::InvalidRequest, text).into());
    }
    let form = request.form()?.reject_duplicates()?;
    let form_state: Option<Interaction> =
        app.context(&request).open(form.require("interaction")?)?;
    let Some(active) = app.session(&request).await? else {
        return Ok(Reply::see_other(&account_url(&request, None)));
    };
    let is_of_page = |state: &Interaction| {
        *state.goal() == InteractionGoal::ChangeAccount
            && state.check(None, request.now).is_ok()
            && state.belongs_to(&active.session)
    };
    if !form_state.as_ref().is_some_and(is_of_page) {
        return Err(expired(&request));
    }
    let change = AccountChange::read(&form, &active)?;
    let context = app.context(&request);
    let has_app = load_totp(context, &active.account).await?.is_some();
    let proof = proof_for_changes(has_app, &load_passkeys(context, &active.account).await?);
    let is_fresh = may_change_account(&active.session.authentication, proof, request.now);
    // A session that began before the tenant required a factor can end itself, and nothing else.
    if change != AccountChange::SignOut && !has_factors(&request, &active) {
        return Ok(Reply::see_other(&account_url(&request, None)));
    }
    if change.wants_fresh_sign_in() && !is_fresh {
        return Ok(Reply::see_other(&account_url(&request, Some((CONFIRM, "1")))));
    }
    Ok(match apply_change((app, &request), &active, (change, &form)).await? {
        AccountChangeResult::Page(page) => *page,
        AccountChangeResult::Expired => return Err(expired(&request)),
        AccountChangeResult::SignedOut(ended) => {
            signed_out_response(app, &request, Some(&ended), None).await
        }
        AccountChangeResult::Done(notice) => {
            Reply::see_other(&account_url(&request, Some(("done", notice.as_str()))))
        }
    })
}

/// The path of the page after the choice of an account.
pub(super) fn choose_account_path(issuer: &Issuer) -> String {
    format!("{}?{CHOOSE}=1", Endpoint::Account.absolute_path(issuer))
}

/// Begins a sign-in that leads to the page.
async fn sign_in(
    app: &AppState,
    request: &Request,
    active: Option<ActiveSession>,
    how: AccountPageSignIn<'_>,
) -> Result<Reply, EndpointError> {
    let tenant = &request.tenant;
    let locale = request.language.requested_tag();
    let params = account_page_params(&tenant.tenant, how, locale);
    let authorization =
        validate_account_page_request(&tenant.tenant, &params).map_err(authorize_error)?;
    begin_authorization((app, request), (authorization, false), active, |pre_session, session| {
        Interaction::visit_account_page(&params, pre_session, session, request.now)
    })
    .await
}

/// Whether the session has proved the factors that the tenant requires for the page.
fn has_factors(request: &Request, active: &ActiveSession) -> bool {
    let required = request.tenant.tenant.authenticators.required();
    may_see_account_page(required, &active.session.authentication)
}

/// The page after a setup, with the notice that another page has made the recovery codes.
pub(super) fn url_with_codes_of_other_page(request: &Request) -> String {
    account_url(request, Some(("done", AccountNotice::CodesOfOtherPage.as_str())))
}

/// The page with a parameter, in the language that was asked for.
pub(super) fn account_url(request: &Request, parameter: Option<(&str, &str)>) -> String {
    let path = Endpoint::Account.absolute_path(&request.tenant.tenant.issuer);
    let language = request.language.requested_tag().map(|tag| (UI_LOCALES, tag.as_str()));
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameter.into_iter().chain(language));
    match query.finish() {
        query if query.is_empty() => path,
        query => format!("{path}?{query}"),
    }
}

/// The page for a form that was open for too long, or that is of another session.
fn expired(request: &Request) -> EndpointError {
    let text = request.text();
    EndpointError::UnusablePage(Box::new(UnusablePage {
        title: text.page_expired_title().to_owned(),
        message: text.account_page_expired().to_owned(),
        advice: text.account_page_expired_advice().to_owned(),
        start_again: Some(account_url(request, None)),
        status: StatusCode::BAD_REQUEST,
        code: "interaction_unusable",
    }))
}
