//! Checks the published keys of a client at registration.

use serde_json::Value;

use super::{OAuthError, invalid};
use crate::model::{Client, JwsAlgorithm};

/// Returns true if the client's own keys are needed to verify what it signs.
fn needs_keys(client: &Client) -> bool {
    let asymmetric = client.request_object_signing_alg.is_some_and(JwsAlgorithm::is_asymmetric);
    client.authentication.method().has_public_keys() || asymmetric
}

/// Returns the `jwks_uri` that must be reachable at registration, because the client cannot work
/// without it.
pub fn needed_jwks_uri(client: &Client) -> Option<&str> {
    client.keys.url().filter(|_| needs_keys(client))
}

/// Rule: `jwks_uri` returns a JWK Set (OIDC Registration §2).
pub fn check_jwks_document(document: &[u8]) -> Result<(), OAuthError> {
    let set: Option<Value> = serde_json::from_slice(document).ok();
    if set.is_some_and(|set| set["keys"].is_array()) {
        return Ok(());
    }
    Err(invalid("jwks_uri does not return a JWK Set."))
}
