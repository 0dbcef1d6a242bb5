//! The keys of a client with a document: public ones, by value or by URL
//! (draft-ietf-oauth-client-id-metadata-document §4.1, §8.2).

use std::sync::Arc;

use serde_json::{Map, Value};
use url::Url;

use super::ClientDocumentError;
use crate::model::{AuthMethod, ClientKeys};

/// Members of private and symmetric keys (RFC 7518 §6).
const PRIVATE_MEMBERS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

/// Reads `jwks` or `jwks_uri`, of which the client has one if its method needs keys.
pub(super) fn read_document_keys(
    members: &Map<String, Value>,
    method: AuthMethod,
) -> Result<ClientKeys, ClientDocumentError> {
    let written = |name: &str| members.get(name).filter(|value| !value.is_null());
    match (written("jwks"), written("jwks_uri")) {
        // RFC 7591 §2
        (Some(_), Some(_)) => Err(ClientDocumentError::Member("jwks", "jwks_uri is there too")),
        (Some(set), None) => inline(set),
        (None, Some(uri)) => by_url(uri),
        (None, None) if method == AuthMethod::PrivateKeyJwt => {
            Err(ClientDocumentError::Member("jwks", "private_key_jwt needs it, or jwks_uri"))
        }
        (None, None) => Ok(ClientKeys::None),
    }
}

fn inline(set: &Value) -> Result<ClientKeys, ClientDocumentError> {
    let keys = set.get("keys").and_then(Value::as_array).filter(|keys| !keys.is_empty());
    let keys = keys.ok_or(ClientDocumentError::Member("jwks", "it must be a set of keys"))?;
    let is_private = |key: &Value| PRIVATE_MEMBERS.iter().any(|name| key.get(name).is_some());
    if keys.iter().any(is_private) {
        return Err(ClientDocumentError::Published("a private key"));
    }
    Ok(ClientKeys::Inline(Arc::new(set.clone())))
}

fn by_url(uri: &Value) -> Result<ClientKeys, ClientDocumentError> {
    let refused = ClientDocumentError::Member("jwks_uri", "it must be an https URL");
    let text = uri.as_str().ok_or_else(|| refused.clone())?;
    let url = Url::parse(text).ok().filter(|url| {
        url.scheme() == "https" && url.username().is_empty() && url.password().is_none()
    });
    url.map(|_| ClientKeys::Url(text.into())).ok_or(refused)
}
