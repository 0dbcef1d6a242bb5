//! Client authentication, shared by all endpoints at which clients authenticate.

use std::sync::Arc;

use super::{AccountContext, RequestError};
use crate::{
    keys::{JwsError, verify_with_secret},
    model::{Client, Endpoint},
    protocol::{
        client_auth::{
            self, AcceptedAudiences, ClientAuthError, ClientReference, ClientVerificationKey,
            CredentialsCheck, PendingAssertion,
        },
        error::OAuthError,
        jwt::UnverifiedJwt,
        params::RequestParams,
        session::CLOCK_SKEW,
    },
    registry::ServedTenant,
    remote::RemoteDocumentError,
    store::{Record, RecordKind},
};

/// The parts of a request that authenticate its client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientAuthenticationRequest<'a> {
    /// The `Authorization` header.
    pub(crate) authorization: Option<&'a str>,
    /// The parameters of the body.
    pub(crate) params: &'a RequestParams,
    /// The endpoint that received the request.
    pub(crate) endpoint: Endpoint,
}

/// Authenticates the client of a request by its registered method.
pub(crate) async fn authenticate(
    context: AccountContext<'_>,
    request: ClientAuthenticationRequest<'_>,
) -> Result<Arc<Client>, RequestError<ClientAuthError>> {
    let credentials = client_auth::credentials(request.authorization, request.params)?;
    let client = find(context.tenant, &credentials.client);
    match client_auth::check(client, &credentials)? {
        CredentialsCheck::Authenticated(client) => Ok(Arc::clone(client)),
        CredentialsCheck::Assertion(assertion) => {
            check_assertion(context, assertion, request.endpoint).await?;
            Ok(Arc::clone(assertion.client))
        }
    }
}

/// Finds the client that a request names.
fn find<'a>(tenant: &'a ServedTenant, reference: &ClientReference) -> Option<&'a Arc<Client>> {
    match reference {
        ClientReference::Id(id) => tenant.client(id),
        // The only issuer of assertions is the client itself. The claims are checked later.
        ClientReference::Assertion { subject, .. } => tenant.client(subject),
    }
}

/// Verifies signature and claims, then passes the atomic gate: an assertion is accepted once across
/// all replicas.
async fn check_assertion(
    context: AccountContext<'_>,
    assertion: PendingAssertion<'_>,
    endpoint: Endpoint,
) -> Result<(), RequestError<ClientAuthError>> {
    let refused = |error: OAuthError| ClientAuthError { error, challenge: false };
    let PendingAssertion { client, key, policy, jws, jwt } = assertion;
    let verified = verify(context, key, (jws.expose(), jwt)).await;
    verified.map_err(|error| refused(client_auth::not_signed(&error.to_string())))?;
    let tenant = &context.tenant.tenant;
    let issuer = &tenant.issuer;
    let internal: Vec<String> = tenant
        .internal_urls()
        .flat_map(|url| {
            let of = |endpoint: Endpoint| endpoint.path().map(|path| format!("{url}{path}"));
            [of(Endpoint::Token), of(endpoint), Some(url)]
        })
        .flatten()
        .collect();
    let audience = AcceptedAudiences {
        allowed: policy.audience,
        issuer: issuer.as_str(),
        token_endpoint: &Endpoint::Token.url(issuer),
        endpoint: &endpoint.url(issuer),
        internal: &internal,
    };
    let once = client_auth::check_claims(client, jwt, audience, context.now).map_err(refused)?;
    let record = Record {
        key: context.key(RecordKind::Assertion, once.id),
        value: bytes::Bytes::new(),
        expires_at: once.expires_at.plus(CLOCK_SKEW),
        owners: Vec::new(),
        due_at: None,
    };
    if context.insert(record).await? {
        return Ok(());
    }
    Err(refused(client_auth::used_before()).into())
}

/// A JWS of a client was not verified. The message is for the log.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ClientJwsError {
    #[error(transparent)]
    Signature(#[from] JwsError),
    #[error(transparent)]
    Keys(#[from] RemoteDocumentError),
}

/// Verifies that a JWS is signed with a key of the client.
pub(crate) async fn verify(
    context: AccountContext<'_>,
    key: ClientVerificationKey<'_>,
    (jws, jwt): (&str, &UnverifiedJwt),
) -> Result<(), ClientJwsError> {
    match key {
        ClientVerificationKey::Secrets(secrets) => {
            let mut bytes = secrets.iter().map(|secret| secret.expose().as_bytes());
            let signed = bytes.any(|it| verify_with_secret(jws, jwt.algorithm, it).is_ok());
            if signed { Ok(()) } else { Err(JwsError::BadSignature.into()) }
        }
        ClientVerificationKey::PublicKeys(client) => {
            verify_with_public_keys(context, client, (jws, jwt)).await
        }
    }
}

async fn verify_with_public_keys(
    context: AccountContext<'_>,
    client: &Client,
    (jws, jwt): (&str, &UnverifiedJwt),
) -> Result<(), ClientJwsError> {
    let named = jwt.kid.as_deref();
    if let Some(keys) = context.tenant.public_keys(client) {
        return Ok(keys.verify(jws, jwt.algorithm, named)?);
    }
    let (cache, fetch) = (&context.services.jwks_cache, &context.services.http_client);
    let keys = cache.of(fetch, client, context.now).await?;
    match keys.verify(jws, jwt.algorithm, named) {
        Err(JwsError::UnknownKey) => {
            // The client may have rotated its keys (OIDC Core §10.1.1).
            let keys = cache.renewed(fetch, client, context.now).await?;
            Ok(keys.verify(jws, jwt.algorithm, named)?)
        }
        verified => Ok(verified?),
    }
}
