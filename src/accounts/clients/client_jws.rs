//! Verifies what clients sign, with their secrets or their public keys.

use super::client_jws_error::ClientJwsError;
use crate::{
    accounts::AccountContext,
    keys::{JwsError, PublicKeys, verify_with_secret},
    model::Client,
    protocol::{client_auth::ClientVerificationKey, jwt::UnverifiedJwt},
};

/// Verifies that a JWS is signed with a key of the client.
pub(crate) async fn verify_client_jwt(
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
    if let Some(set) = client.keys.inline() {
        // They are in a metadata document, of at most 5 KiB.
        return Ok(PublicKeys::parse(set).verify(jws, jwt.algorithm, named)?);
    }
    let cache = &context.services.jwks_cache;
    let fetch = context.client_keys_client(client);
    let keys = cache.of(&fetch, client, context.now).await?;
    match keys.verify(jws, jwt.algorithm, named) {
        Err(JwsError::UnknownKey) => {
            // The client may have rotated its keys (OIDC Core §10.1.1).
            let keys = cache.renewed(&fetch, client, context.now).await?;
            Ok(keys.verify(jws, jwt.algorithm, named)?)
        }
        verified => Ok(verified?),
    }
}
