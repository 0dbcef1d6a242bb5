//! `POST I/oauth/introspect` (RFC 7662).

use http::StatusCode;
use serde_json::Value;

use super::authenticated_form::AuthenticatedForm;
use crate::{
    accounts::{
        AccountContext, AccountError,
        grants::token_lookup::{self, ActiveToken, PresentedToken},
        tokens::{signing_key_choice, token_issuer},
    },
    http::{AppState, EndpointError, Reply, Request},
    keys::JwtType,
    model::Client,
    protocol::{
        client_auth,
        introspection::{
            SIGNED_RESPONSE_TYPE, access_token, inactive_introspection, may_introspect,
            needs_signed_response, refresh_token, signed_response_claims,
        },
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
        let error = client_auth::unproven_client_error("a public client");
        return Err(EndpointError::Client { error, challenge: false });
    }
    let token = params.require("token")?;
    let context = app.context(&request);
    let description = match PresentedToken::read(context, token)? {
        Some(presented) => describe(context, &caller, &presented).await?,
        None => None,
    };
    let response = description.unwrap_or_else(inactive_introspection);
    if !needs_signed_response(&caller, request.header("accept")) {
        return Ok(Reply::json(StatusCode::OK, &response));
    }
    let issuer = &request.tenant.tenant.issuer;
    let claims = signed_response_claims(issuer, &caller, response, request.now);
    let key = signing_key_choice::signing_key_for(context, &caller)?;
    let jwt =
        token_issuer::sign_claims(&app.accounts, key, JwtType::Introspection, &claims).await?;
    Ok(Reply::jwt(jwt).header("content-type", SIGNED_RESPONSE_TYPE))
}

/// The claims of an active token of this tenant; `None` if it is inactive or the caller may not
/// introspect it.
async fn describe(
    context: AccountContext<'_>,
    caller: &Client,
    presented: &PresentedToken,
) -> Result<Option<Value>, AccountError> {
    let allowed = match presented {
        PresentedToken::Access(claims) => {
            may_introspect(caller, claims, &context.tenant.resource_servers)
        }
        PresentedToken::Refresh(token) => token.client == caller.id,
    };
    if !allowed {
        return Ok(None);
    }
    let Some(active) = token_lookup::load_active_token(context, presented).await? else {
        return Ok(None);
    };
    Ok(match (presented, active) {
        (PresentedToken::Access(claims), ActiveToken::OfClient) => Some(access_token(claims, None)),
        (PresentedToken::Access(claims), ActiveToken::OfGrant { user, .. }) => {
            Some(access_token(claims, Some(&user.username)))
        }
        (PresentedToken::Refresh(token), ActiveToken::OfGrant { grant, user }) => {
            refresh_until(&grant, &caller.lifetimes).map(|until| {
                let until = until.min(token.expires_at);
                let issuer = context.tenant.tenant.issuer.as_str();
                let subject = subject::subject_for_client(caller, &user.subject);
                refresh_token(issuer, subject.as_str(), &grant, &grant.all_scopes(), until)
            })
        }
        (PresentedToken::Refresh(_), ActiveToken::OfClient) => None,
    })
}
