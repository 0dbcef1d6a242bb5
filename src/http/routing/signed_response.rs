//! Signs authorization responses that are JWTs (JARM §2).

use crate::{
    accounts::{AccountError, tokens::token_issuer::sign_claims},
    http::{AppState, EndpointError, Reply},
    keys::JwtType,
    model::Timestamp,
    registry::ServedTenant,
};

/// Signs the authorization response of a reply, if the client gets it as a JWT. A response that cannot be signed is
/// not sent.
pub(super) async fn sign_authorization_response(
    app: &AppState,
    tenant: &ServedTenant,
    (now, store_now): (Timestamp, Timestamp),
    reply: Reply,
) -> Result<Reply, EndpointError> {
    let Some((response, signing)) = reply.unsigned_response() else { return Ok(reply) };
    let key = match signing.algorithm {
        Some(algorithm) => tenant.signing_key_of(algorithm, store_now),
        None => tenant.signing_key(store_now),
    };
    let key = key.ok_or(AccountError::NoSigningKey(signing.algorithm))?;
    let claims = response.claims(signing, now);
    let jwt = sign_claims(&app.accounts, key, JwtType::AuthorizationResponse, &claims).await;
    Ok(reply.with_signed_response(jwt.map_err(AccountError::from)?))
}
