//! Whether the keys that a client publishes have to be there when it registers.

use serde_json::Value;

use super::{OAuthError, invalid};
use crate::model::{AuthMethod, Client, JwsAlgorithm};

/// Whether something of the client's is verified with its own keys alone.
fn needs_keys(client: &Client) -> bool {
    let asymmetric = client.request_object_signing_alg.is_some_and(JwsAlgorithm::is_asymmetric);
    client.auth_method == AuthMethod::PrivateKeyJwt || asymmetric
}

/// The address of keys that must answer at registration: without them the client could do nothing.
pub fn needed(client: &Client) -> Option<&str> {
    client.details.jwks_uri.as_deref().filter(|_| needs_keys(client))
}

/// Rule: `jwks_uri` gives a JWK Set (OIDC Registration §2).
pub fn check_keys(document: &[u8]) -> Result<(), OAuthError> {
    let set: Option<Value> = serde_json::from_slice(document).ok();
    if set.is_some_and(|set| set["keys"].is_array()) {
        return Ok(());
    }
    Err(invalid("jwks_uri does not give a JWK Set."))
}
