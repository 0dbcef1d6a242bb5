//! RP-initiated logout (OIDC RP-Initiated Logout 1.0), by GET and POST. The user is asked for
//! confirmation unless the request contains an ID token of this session.

use super::frontchannel_logout;
use crate::{
    accounts::{
        sessions::active_session::{self, ActiveSession},
        upstream::upstream_sign_out::{UpstreamSignOut, begin_upstream_sign_out},
    },
    http::{
        AppState, CookiePurpose, EndpointError, Reply, Request,
        pages::{self, AfterSignOut},
    },
    messages::LanguageTag,
    model::{Client, Endpoint, LogoutKind},
    protocol::{
        authorize::{Interaction, InteractionGoal, form_action},
        error::{ErrorCode, OAuthError},
        logout::{EndSessionRequest, needs_confirmation, validate_logout_request},
        params::{RequestParams, UI_LOCALES},
        records::Session,
        upstream::UpstreamLogoutState,
    },
};
use http::{Method, StatusCode};
use url::Url;

/// `GET I/oauth/logout`: a relying party's request to sign the user out (OIDC RP-Initiated Logout §2).
pub async fn get(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let params = request.query_params()?;
    begin(app, &request, &params).await
}

/// `POST I/oauth/logout`: a relying party's request, or the confirmation form.
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let params = request.form()?;
    request.language.request(params.get(UI_LOCALES));
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
        return Ok(signed_out_response(app, request, None, logout.return_to.as_deref()).await);
    };
    if needs_confirmation(&logout, &active.session) {
        return question(app, request, &logout, &active);
    }
    let cause = (LogoutKind::RpInitiated, logout.client.as_deref());
    let ended = active_session::end_session(app.context(request), &active, cause).await?;
    Ok(signed_out_response(app, request, Some(&ended), logout.return_to.as_deref()).await)
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
    let locale = request.language.requested_tag().map(LanguageTag::as_str);
    let hidden: Vec<_> =
        [("interaction", &*sealed)].into_iter().chain(locale.map(|it| (UI_LOCALES, it))).collect();
    let page = pages::logout_confirm_page(&pages::LogoutConfirmPage {
        tenant,
        text: request.text(),
        client,
        user: &active.account,
        hidden: &hidden,
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
        let page = pages::still_signed_in_page(&request.tenant.tenant, request.text());
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
        ended = Some(active_session::end_session(app.context(request), &active, cause).await?);
    }
    Ok(signed_out_response(app, request, ended.as_ref(), return_to.as_deref()).await)
}

/// The response without a session. The browser loads the clients' front-channel logout frames. It then goes to the
/// identity provider, if the person is signed out there too. At the end it goes to the post-logout redirect URI or
/// the signed-out page.
pub(super) async fn signed_out_response(
    app: &AppState,
    request: &Request,
    ended: Option<&Session>,
    return_to: Option<&str>,
) -> Reply {
    let (mut frames, mut at_provider) = (Vec::new(), UpstreamSignOut::NotWanted);
    if let Some(session) = ended {
        frames = frontchannel_logout::logout_frames(&request.tenant, session);
        at_provider = begin_upstream_sign_out(app.context(request), session, return_to).await;
    }
    let mut reply = signed_out_page(request, &frames, (&at_provider, return_to));
    if let UpstreamSignOut::Redirect { cookie: Some(cookie), .. } = &at_provider {
        reply = reply.cookie(CookiePurpose::UpstreamLogout, cookie);
    }
    // A form from another site is sent without the session cookie, and must not delete it either.
    for purpose in [CookiePurpose::BrowserState, CookiePurpose::Session] {
        if request.cookie(purpose).is_some() {
            reply = reply.without_cookie(purpose);
        }
    }
    reply
}

/// The redirect or the page that leads on. The answer to a form is a page, because CSP `form-action`, here
/// or at the application, would judge every redirect of the provider.
fn signed_out_page(
    request: &Request,
    frames: &[Url],
    (at_provider, return_to): (&UpstreamSignOut, Option<&str>),
) -> Reply {
    let tenant = &request.tenant.tenant;
    let next = match at_provider {
        UpstreamSignOut::NotWanted => return_to.map_or(AfterSignOut::Nothing, AfterSignOut::Return),
        UpstreamSignOut::Redirect { url, provider, .. } => {
            AfterSignOut::Provider { name: provider, url }
        }
        UpstreamSignOut::NotPossible { provider } => {
            AfterSignOut::StillSignedIn { name: provider, return_to }
        }
    };
    let redirect = match next {
        AfterSignOut::Nothing => Some(logged_out_path(request)),
        AfterSignOut::Return(url) => Some(url.to_owned()),
        AfterSignOut::Provider { url, .. } => {
            (request.method == Method::GET).then(|| url.to_owned())
        }
        AfterSignOut::StillSignedIn { .. } => None,
    };
    match redirect.filter(|_| frames.is_empty()) {
        Some(url) => Reply::see_other(&url),
        None => Reply::html(
            StatusCode::OK,
            pages::frontchannel_logout_page((tenant, request.text()), frames, next),
        )
        .with_script()
        .frames(frames),
    }
}

/// The path of the page after a sign-out, in the language that the application asked for.
fn logged_out_path(request: &Request) -> String {
    let path = Endpoint::LoggedOut.absolute_path(&request.tenant.tenant.issuer);
    match request.language.requested_tag() {
        Some(tag) => format!("{path}?{UI_LOCALES}={tag}"),
        None => path,
    }
}

/// `GET I/logged-out`: the page after a sign-out. An identity provider sends the browser here with the
/// `state` of its sign-out request, which leads back to the application once.
pub async fn get_logged_out(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let params = request.query_params().ok();
    let sealed = params.as_ref().and_then(|params| params.get("state"));
    let opened = sealed.and_then(|sealed| app.context(&request).open(sealed).ok().flatten());
    let state: Option<UpstreamLogoutState> = opened;
    let cookie = request.cookie(CookiePurpose::UpstreamLogout);
    let return_to = state.as_ref().and_then(|state| state.return_to(cookie, request.now));
    Ok(match return_to {
        Some(url) => Reply::see_other(url).without_cookie(CookiePurpose::UpstreamLogout),
        None => Reply::html(
            StatusCode::OK,
            pages::signed_out_page(&request.tenant.tenant, request.text()),
        ),
    })
}
