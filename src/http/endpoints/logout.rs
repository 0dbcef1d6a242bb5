//! RP-initiated logout (OIDC RP-Initiated Logout 1.0), by GET and POST. The user is asked for
//! confirmation unless the request contains an ID token of this session.

use super::frontchannel_logout;
use crate::{
    accounts::sessions::{self, ActiveSession},
    http::{AppState, CookiePurpose, EndpointError, Reply, Request, pages},
    model::{Client, Endpoint, LogoutKind},
    protocol::{
        authorize::{Interaction, InteractionGoal, form_action},
        error::{ErrorCode, OAuthError},
        logout::{EndSessionRequest, needs_confirmation, validate_logout_request},
        params::RequestParams,
        records::Session,
    },
};
use http::StatusCode;

/// `GET I/oauth/logout`.
pub async fn get(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let params = request.query_params()?;
    begin(app, &request, &params).await
}

/// `POST I/oauth/logout`: a relying party's request, or the confirmation form.
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let params = request.form()?;
    if params.get("interaction").is_some() {
        return confirm(app, &request, params).await;
    }
    begin(app, &request, &params).await
}

async fn begin(
    app: &AppState,
    request: &Request,
    params: &RequestParams,
) -> Result<Reply, EndpointError> {
    let tenant = &request.tenant;
    let logout = validate_logout_request(params, &tenant.tenant.issuer, &**tenant)?;
    if let Some(client) = &logout.client {
        request.facts.record_client(&client.object);
    }
    let Some(active) = app.session(request).await? else {
        // Without a session there is nothing to confirm.
        return Ok(signed_out_response(request, None, logout.return_to.as_deref()));
    };
    if needs_confirmation(&logout, &active.session) {
        return question(app, request, &logout, &active);
    }
    let cause = (LogoutKind::RpInitiated, logout.client.as_deref());
    let ended = sessions::end_session(app.context(request), &active, cause).await?;
    Ok(signed_out_response(request, Some(&ended), logout.return_to.as_deref()))
}

fn question(
    app: &AppState,
    request: &Request,
    logout: &EndSessionRequest,
    active: &ActiveSession,
) -> Result<Reply, EndpointError> {
    // A hint here is of another session, so only client_id vouches for the redirect.
    let return_to = logout.return_to.clone().filter(|_| logout.named);
    let question = Interaction::end_session(return_to.clone(), &active.session, request.now);
    let tenant = &request.tenant.tenant;
    let sealed = app.context(request).seal(&question)?;
    let client: Option<&Client> = logout.client.as_deref();
    let page = pages::logout_confirm(&pages::LogoutConfirmPage {
        tenant,
        client,
        user: Some(&active.account),
        hidden: &[("interaction", &sealed)],
    });
    let target = return_to.as_deref().zip(client);
    let target = target.map(|(to, client)| form_action(to, client)).unwrap_or_default();
    Ok(Reply::html(StatusCode::OK, page)
        .form_action(&target)
        .header("referrer-policy", "same-origin"))
}

/// Handles the submitted confirmation form.
async fn confirm(
    app: &AppState,
    request: &Request,
    params: RequestParams,
) -> Result<Reply, EndpointError> {
    let stale = |text: &str| OAuthError::new(ErrorCode::InvalidRequest, text);
    if !request.same_origin() {
        return Err(stale("The form was sent from another site.").into());
    }
    let params = params.reject_duplicates()?;
    let sealed = params.require("interaction")?;
    let question: Option<Interaction> = app.context(request).open(sealed)?;
    let question = question
        .filter(|question| question.check(None, request.now).is_ok())
        .ok_or_else(|| stale("The form was open for too long; ask to sign out again."))?;
    let InteractionGoal::EndSession { return_to } = question.goal() else {
        return Err(stale("The form does not end a session; ask to sign out again.").into());
    };
    if params.get("action") != Some("logout") {
        let page = pages::not_signed_out(&request.tenant.tenant);
        return Ok(Reply::html(StatusCode::OK, page));
    }
    let mut ended = None;
    if let Some(active) = app.session(request).await? {
        if !question.belongs_to(&active.session) {
            return Err(
                stale("The form is of a session that has ended; ask to sign out again.").into()
            );
        }
        let cause = (LogoutKind::RpInitiated, None);
        ended = Some(sessions::end_session(app.context(request), &active, cause).await?);
    }
    Ok(signed_out_response(request, ended.as_ref(), return_to.as_deref()))
}

/// The response without a session: through the clients' front-channel logout frames, then to the
/// post-logout redirect URI or the signed-out page.
fn signed_out_response(
    request: &Request,
    ended: Option<&Session>,
    return_to: Option<&str>,
) -> Reply {
    let tenant = &request.tenant;
    let frames = ended
        .map(|session| frontchannel_logout::logout_frames(tenant, session))
        .unwrap_or_default();
    let reply = if frames.is_empty() {
        let done = Endpoint::LoggedOut.absolute_path(&tenant.tenant.issuer);
        Reply::see_other(return_to.unwrap_or(&done))
    } else {
        let page = pages::signing_out(&tenant.tenant, &frames, return_to);
        Reply::html(StatusCode::OK, page).with_script().frames(&frames)
    };
    let reply = match request.cookie(CookiePurpose::BrowserState) {
        Some(_) => reply.without_cookie(CookiePurpose::BrowserState),
        None => reply,
    };
    // A form from another site is sent without the session cookie, and must not delete it either.
    match request.cookie(CookiePurpose::Session) {
        Some(_) => reply.without_cookie(CookiePurpose::Session),
        None => reply,
    }
}

/// `GET I/logged-out`.
pub async fn signed_out(_: &AppState, request: Request) -> Result<Reply, EndpointError> {
    Ok(Reply::html(StatusCode::OK, pages::signed_out(&request.tenant.tenant)))
}
