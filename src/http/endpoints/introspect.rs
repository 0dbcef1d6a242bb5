//! `POST I/oauth/introspect` (RFC 7662).

use http::StatusCode;
use serde_json::Value;

use super::authenticated_form::AuthenticatedForm;
use crate::{
    accounts::token_lookup::{ActiveGrant, PresentedToken, live, revoked_key},
    http::{AppState, EndpointError, Reply, Request},
    model::Client,
    protocol::{
        client_auth,
        introspection::{access_token, inactive, may_see, refresh_token},
        subject,
        token::refresh_until,
    },
};

/// Reports whether a token is active, to an authenticated client that may introspect it.
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let AuthenticatedForm { params, client: caller } =
        AuthenticatedForm::read(app, &request).await?;
    if caller.is_public() {
        // A public client's identity is not proven (RFC 7662 §2.1).
        let error = client_auth::not_signed("a public client");
        return Err(EndpointError::Client { error, challenge: false });
    }
    let token = params.require("token").map_err(EndpointError::Json)?;
    let answer = match PresentedToken::read(app.context(&request), token)? {
        Some(presented) => describe(app, &request, &caller, presented).await?,
        None => None,
    };
    Ok(Reply::json(StatusCode::OK, &answer.unwrap_or_else(inactive)))
}

/// The claims of an active token of this tenant; `None` if it is inactive or the caller may not
/// introspect it.
async fn describe(
    app: &AppState,
    request: &Request,
    caller: &Client,
    presented: PresentedToken,
) -> Result<Option<Value>, EndpointError> {
    if presented.is_expired(request.now) {
        return Ok(None);
    }
    match &presented {
        PresentedToken::Access(claims) if !may_see(caller, claims) => Ok(None),
        PresentedToken::Access(claims) if presented.grant_id().is_some() => {
            let live = live(app.context(request), &presented).await?;
            Ok(live.map(|live| access_token(claims, Some(&live.user.username))))
        }
        PresentedToken::Access(claims) => {
            let served = presented.client().and_then(|id| request.tenant.client(id.as_str()));
            let jti = claims.get("jti").and_then(Value::as_str).unwrap_or_default();
            let key = revoked_key(app.context(request), jti);
            let revoked = app.accounts.store.get(&key, request.now).await?.is_some();
            Ok((served.is_some() && !revoked).then(|| access_token(claims, None)))
        }
        PresentedToken::Refresh(token) if token.client != caller.id => Ok(None),
        PresentedToken::Refresh(token) => {
            let issuer = request.tenant.tenant.issuer.as_str();
            let live = live(app.context(request), &presented).await?;
            Ok(live.and_then(|ActiveGrant { grant, user }| {
                let until = refresh_until(&grant, &caller.lifetimes)?.min(token.expires_at);
                let subject = subject::subject_for_client(caller, &user.subject);
                Some(refresh_token(issuer, subject.as_str(), &grant, &grant.scopes, until))
            }))
        }
    }
}
