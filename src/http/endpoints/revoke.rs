//! `POST I/oauth/revoke` (RFC 7009).

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

use crate::{
    http::{
        App, Failure, Reply, Request, clients, grants,
        presented::{Presented, revoked_key},
    },
    model::Timestamp,
    protocol::{
        error::{ErrorCode, OAuthError},
        introspection::may_revoke,
        params::Params,
        session::SKEW,
    },
    store::Record,
};

/// Ends a token, and with it the grant that it names. What is no token any more is ended already.
pub async fn post(app: &App, request: Request) -> Result<Reply, Failure> {
    let params = request.form().and_then(Params::checked).map_err(Failure::Json)?;
    let caller = clients::authenticate(app, &request, &params).await?;
    let token = params.require("token").map_err(Failure::Json)?;
    let done = || Reply::empty(StatusCode::OK);
    let Some(presented) = Presented::read(app, &request, token)? else { return Ok(done()) };
    if !presented.client().is_some_and(|client| may_revoke(&caller, &client)) {
        let text = "The token was given to another client.";
        return Err(Failure::Json(OAuthError::new(ErrorCode::InvalidGrant, text)));
    }
    match presented.grant_id() {
        Some(id) => grants::revoke(app, &request, id).await?,
        None => remember(app, &request, &presented).await?,
    }
    Ok(done())
}

/// Keeps the id of a token that names no grant for as long as it would be valid.
async fn remember(app: &App, request: &Request, presented: &Presented) -> Result<(), Failure> {
    let Presented::Access(claims) = presented else { return Ok(()) };
    let text = claims.get("jti").and_then(Value::as_str);
    let expires = claims.get("exp").and_then(Value::as_i64);
    let (Some(jti), Some(exp)) = (text, expires) else { return Ok(()) };
    if presented.is_expired(request.now) {
        return Ok(());
    }
    let record = Record {
        key: revoked_key(request, jti),
        value: Bytes::new(),
        expires_at: Timestamp::from_secs(exp).plus(SKEW),
        owners: Vec::new(),
    };
    // One that is there says the same.
    app.store.insert(record, request.now).await?;
    Ok(())
}
