//! The assertion by which a tenant authenticates at a provider (RFC 7523 §3, OIDC Core §9).

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::model::Timestamp;

/// `client_assertion_type` of an assertion (RFC 7523 §2.2).
pub const CLIENT_ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion is valid: the longest time that Keycloak accepts.
const LIFETIME: Duration = Duration::from_mins(1);

/// The claims of an assertion. Its `iss` and `sub` are equal, which distinguishes it from an ID token.
pub fn client_assertion_claims(
    client_id: &str,
    audience: &str,
    jti: &str,
    now: Timestamp,
) -> Map<String, Value> {
    Map::from_iter([
        ("iss".to_owned(), json!(client_id)),
        ("sub".to_owned(), json!(client_id)),
        ("aud".to_owned(), json!(audience)),
        ("jti".to_owned(), json!(jti)),
        ("iat".to_owned(), json!(now.secs())),
        ("exp".to_owned(), json!(now.plus(LIFETIME).secs())),
    ])
}
