//! Client authentication, shared by all endpoints at which clients authenticate.

use std::sync::Arc;

use super::{AppState, EndpointError, Request};
use crate::{
    keys::{JwsError, verify_with_secret},
    model::{AssertionPolicy, Client, ClientAuthentication, Endpoint, Secret},
    protocol::{
        client_auth::{self, AcceptedAudiences, ClientAuthError, CredentialsCheck},
        error::{ErrorCode, OAuthError},
        jwt::UnverifiedJwt,
        params::RequestParams,
        session::CLOCK_SKEW,
    },
    store::{Record, RecordKey, RecordKind},
};

/// Authenticates the client of a request by its registered method.
pub(super) async fn authenticate(
    app: &AppState,
    request: &Request,
    params: &RequestParams,
) -> Result<Arc<Client>, EndpointError> {
    let credentials = client_auth::credentials(request.authorization(), params).map_err(failure)?;
    let client = request.tenant.client(&credentials.client_id);
    let client = match client_auth::check(client, &credentials).map_err(failure)? {
        CredentialsCheck::Authenticated(client) => client,
        CredentialsCheck::Assertion { client, policy, jws, jwt } => {
            check_assertion(app, request, (client, policy), (jws, jwt)).await?;
            client
        }
    };
    Ok(Arc::clone(client))
}

fn failure(refused: ClientAuthError) -> EndpointError {
    match refused.error.code {
        ErrorCode::InvalidClient => {
            EndpointError::Client { error: refused.error, challenge: refused.challenge }
        }
        _ => EndpointError::Json(refused.error),
    }
}

/// Verifies signature and claims, then passes the atomic gate: an assertion is accepted once across
/// all replicas.
async fn check_assertion(
    app: &AppState,
    request: &Request,
    (client, policy): (&Client, AssertionPolicy),
    (jws, jwt): (&Secret<String>, &UnverifiedJwt),
) -> Result<(), EndpointError> {
    let refused = |error: OAuthError| EndpointError::Client { error, challenge: false };
    let verified = match &client.authentication {
        ClientAuthentication::SecretJwt { secrets, .. } => {
            verify_with_secrets(secrets, jws.expose(), jwt)
        }
        _ => verify_with_public_keys(app, request, client, (jws.expose(), jwt)).await,
    };
    verified.map_err(|why| refused(client_auth::not_signed(&why)))?;
    let issuer = &request.tenant.tenant.issuer;
    let audience = AcceptedAudiences {
        allowed: policy.audience,
        issuer: issuer.as_str(),
        token_endpoint: &Endpoint::Token.url(issuer),
        endpoint: &request.endpoint.url(issuer),
    };
    let once = client_auth::check_claims(client, jwt, audience, request.now).map_err(refused)?;
    let record = Record {
        key: RecordKey::new(RecordKind::Assertion, &request.tenant.tenant.id, once.id),
        value: bytes::Bytes::new(),
        expires_at: once.expires_at.plus(CLOCK_SKEW),
        owners: Vec::new(),
        due_at: None,
    };
    if app.accounts.store.insert(record, request.now).await? {
        return Ok(());
    }
    Err(refused(client_auth::used_before()))
}

/// Verifies that a JWS is signed with a secret of the client. The error is for the log.
pub(super) fn verify_with_secrets(
    secrets: &[Secret<String>],
    jws: &str,
    jwt: &UnverifiedJwt,
) -> Result<(), String> {
    let mut bytes = secrets.iter().map(|secret| secret.expose().as_bytes());
    let signed = bytes.any(|secret| verify_with_secret(jws, jwt.algorithm, secret).is_ok());
    if signed { Ok(()) } else { Err(JwsError::BadSignature.to_string()) }
}

/// Verifies that a JWS is signed with a key that the client publishes. The error is for the log.
pub(super) async fn verify_with_public_keys(
    app: &AppState,
    request: &Request,
    client: &Client,
    (jws, jwt): (&str, &UnverifiedJwt),
) -> Result<(), String> {
    let named = jwt.kid.as_deref();
    if let Some(keys) = request.tenant.public_keys(client) {
        return keys.verify(jws, jwt.algorithm, named).map_err(|error| error.to_string());
    }
    let keys = app.jwks_cache.of(&app.http_client, client, request.now).await?;
    match keys.verify(jws, jwt.algorithm, named) {
        Ok(()) => Ok(()),
        Err(JwsError::UnknownKey) => {
            // The client may have rotated its keys (OIDC Core §10.1.1).
            let keys = app.jwks_cache.renewed(&app.http_client, client, request.now).await?;
            let verified = keys.verify(jws, jwt.algorithm, named);
            verified.map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    }
}
