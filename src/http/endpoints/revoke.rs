//! `POST I/oauth/revoke` (RFC 7009).

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

use super::authenticated_form::AuthenticatedForm;
use crate::{
    accounts::{
        grants,
        token_lookup::{PresentedToken, revoked_key},
    },
    http::{AppState, EndpointError, Reply, Request},
    model::Timestamp,
    protocol::{
        error::{ErrorCode, OAuthError},
        introspection::may_revoke,
        session::CLOCK_SKEW,
    },
    store::Record,
};

/// Revokes a token and the grant that it refers to. An invalid token counts as revoked already (RFC
/// 7009 §2.2).
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let AuthenticatedForm { params, client: caller } =
        AuthenticatedForm::read(app, &request).await?;
    let token = params.require("token").map_err(EndpointError::Json)?;
    let done = || Reply::empty(StatusCode::OK);
    let Some(presented) = PresentedToken::read(app.context(&request), token)? else {
        return Ok(done());
    };
    if !presented.client().is_some_and(|client| may_revoke(&caller, &client)) {
        let text = "The token was issued to another client.";
        return Err(EndpointError::Json(OAuthError::new(ErrorCode::InvalidGrant, text)));
    }
    match presented.grant_id() {
        Some(id) => grants::revoke(app.context(&request), id).await?,
        None => remember(app, &request, &presented).await?,
    }
    Ok(done())
}

/// Stores the id of a token without a grant until the token expires.
async fn remember(
    app: &AppState,
    request: &Request,
    presented: &PresentedToken,
) -> Result<(), EndpointError> {
    let PresentedToken::Access(claims) = presented else { return Ok(()) };
    let text = claims.get("jti").and_then(Value::as_str);
    let expires = claims.get("exp").and_then(Value::as_i64);
    let (Some(jti), Some(exp)) = (text, expires) else { return Ok(()) };
    if presented.is_expired(request.now) {
        return Ok(());
    }
    let record = Record {
        key: revoked_key(app.context(request), jti),
        value: Bytes::new(),
        expires_at: Timestamp::from_secs(exp).plus(CLOCK_SKEW),
        owners: Vec::new(),
        due_at: None,
    };
    // An existing record has the same content.
    app.accounts.store.insert(record, request.now).await?;
    Ok(())
}
