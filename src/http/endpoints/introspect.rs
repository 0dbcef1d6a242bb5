//! `POST I/oauth/introspect` (RFC 7662).

use http::StatusCode;
use serde_json::Value;

use crate::{
    http::{
        App, Failure, Reply, Request, clients,
        presented::{Live, Presented, live, revoked_key},
    },
    model::Client,
    protocol::{
        client_auth,
        introspection::{access_token, inactive, may_see, refresh_token},
        params::Params,
        subject,
        token::refresh_until,
    },
};

/// Whether a token is worth something, to an authenticated client that may know.
pub async fn post(app: &App, request: Request) -> Result<Reply, Failure> {
    let params = request.form().and_then(Params::checked).map_err(Failure::Json)?;
    let caller = clients::authenticate(app, &request, &params).await?;
    if caller.is_public() {
        // Anybody can say that they are a public client (RFC 7662 §2.1).
        let error = client_auth::not_signed("a public client");
        return Err(Failure::Client { error, challenge: false });
    }
    let token = params.require("token").map_err(Failure::Json)?;
    let answer = match Presented::read(app, &request, token)? {
        Some(presented) => describe(app, &request, &caller, presented).await?,
        None => None,
    };
    Ok(Reply::json(StatusCode::OK, &answer.unwrap_or_else(inactive)))
}

/// What is said of a token of this tenant's; `None`: it is inactive, or not for the caller to see.
async fn describe(
    app: &App,
    request: &Request,
    caller: &Client,
    presented: Presented,
) -> Result<Option<Value>, Failure> {
    if presented.is_expired(request.now) {
        return Ok(None);
    }
    match &presented {
        Presented::Access(claims) if !may_see(caller, claims) => Ok(None),
        Presented::Access(claims) if presented.grant_id().is_some() => {
            let live = live(app, request, &presented).await?;
            Ok(live.map(|live| access_token(claims, Some(&live.user.username))))
        }
        Presented::Access(claims) => {
            let served = presented.client().and_then(|id| request.tenant.client(id.as_str()));
            let jti = claims.get("jti").and_then(Value::as_str).unwrap_or_default();
            let key = revoked_key(request, jti);
            let revoked = app.store.get(&key, request.now).await?.is_some();
            Ok((served.is_some() && !revoked).then(|| access_token(claims, None)))
        }
        Presented::Refresh(token) if token.client != caller.id => Ok(None),
        Presented::Refresh(token) => {
            let issuer = request.tenant.tenant.issuer.as_str();
            let live = live(app, request, &presented).await?;
            Ok(live.and_then(|Live { grant, user }| {
                let until = refresh_until(&grant, &caller.lifetimes)?.min(token.expires_at);
                let subject = subject::of(caller, &user.subject);
                Some(refresh_token(issuer, subject.as_str(), &grant, &grant.scopes, until))
            }))
        }
    }
}
