//! Pushed authorization requests at the authorization endpoint (RFC 9126 §4).

use super::{AuthorizationContext, forms};
use crate::{
    accounts::{
        clients::pushed_requests::{open_pushed_request, use_pushed_request},
        sessions::active_session::ActiveSession,
    },
    http::{AppState, CookiePurpose, EndpointError, Reply, Request},
    model::sha256,
    protocol::{
        authorize::{OpenedPushedRequest, PushedRequestId, is_pushed_reference},
        params::RequestParams,
    },
};

/// The parameters of the pushed request that the browser's request refers to; `None` if it refers to none.
/// Parameters of the browser's request other than `client_id` have no effect (RFC 9101 §5).
pub(super) async fn open_reference(
    app: &AppState,
    request: &Request,
    params: &RequestParams,
) -> Result<Option<RequestParams>, EndpointError> {
    let request_uri = params.get("request_uri").filter(|uri| is_pushed_reference(uri));
    let Some(request_uri) = request_uri else { return Ok(None) };
    params.check_duplicates()?;
    let reference = (request_uri, params.require("client_id")?);
    let opened = request.cookie(CookiePurpose::OpenedPushedRequest);
    Ok(Some(open_pushed_request(app.context(request), reference, opened).await?.0))
}

/// Notes in the browser that it has opened the request, so that the page can be loaded again.
pub(super) fn with_cookie(
    app: &AppState,
    request: &Request,
    reply: Reply,
    id: PushedRequestId,
) -> Result<Reply, EndpointError> {
    let sealed = app.context(request).seal(&OpenedPushedRequest { id: id.id })?;
    Ok(reply.cookie(CookiePurpose::OpenedPushedRequest, &sealed))
}

/// Uses up a pushed request, before it is answered with a code or tokens.
pub(super) async fn use_once(
    authorization: &AuthorizationContext<'_>,
    session: &ActiveSession,
) -> Result<(), EndpointError> {
    let Some(id) = &authorization.authorization.pushed else { return Ok(()) };
    let interaction = &authorization.interaction;
    let browser = interaction.browser().unwrap_or_default();
    let sign_in = sha256([interaction.fingerprint(), browser].concat());
    let sign_in = (sign_in, authorization.by_form);
    let subject = &session.account.subject;
    if use_pushed_request(authorization.accounts(), (id, subject), sign_in).await? {
        return Ok(());
    }
    Err(forms::completed_already(authorization))
}
