//! A client's public keys: a JWK Set without private keys (RFC 7517 §5, OIDC Registration §2), or
//! its URL.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    api::OidcClientSpec,
    keys::PublicKeys,
    model::{AuthMethod, ClientKeys},
    registry::validate::ProblemList,
};

/// Maximum number of keys in a set.
const MAX_KEYS: usize = 32;
/// Maximum size of a set in bytes of JSON.
const MAX_BYTES: usize = 32 * 1024;
/// Message for a JWK Set that the client cannot authenticate with.
pub(super) const NO_VERIFYING_KEY: &str = "contains no key that can verify a signature, which private_key_jwt and self_signed_tls_client_auth require; add an RSA (at least 2048 bits), EC (P-256, P-384) or OKP (Ed25519) public key with use \"sig\" or without use";
/// JWK members that contain private or symmetric key material (RFC 7518 §6).
const SECRET_MEMBERS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

/// Validates `jwks`, and checks that keys are present where they are required. The URL is validated
/// with the other links.
pub fn check_client_keys(
    problems: &mut ProblemList,
    spec: &OidcClientSpec,
    method: AuthMethod,
) -> ClientKeys {
    if spec.jwks.is_some() && spec.jwks_uri.is_some() {
        problems.invalid("spec.jwksUri", "is mutually exclusive with jwks; remove one");
    }
    let has_keys = spec.jwks.is_some() || spec.jwks_uri.is_some();
    let is_federated = !spec.federated_credentials.is_empty();
    let message = match method {
        AuthMethod::PrivateKeyJwt if !has_keys && !is_federated => Some(
            "private_key_jwt requires the application's public keys; set jwks or jwksUri, or federatedCredentials",
        ),
        AuthMethod::SelfSignedTlsClientAuth if !has_keys => Some(
            "self_signed_tls_client_auth requires the application's public keys; set jwks or jwksUri",
        ),
        _ => None,
    };
    if let Some(message) = message {
        problems.invalid("spec.tokenEndpointAuthMethod", message);
    }
    let Some(set) = spec.jwks.as_ref() else {
        return spec
            .jwks_uri
            .as_deref()
            .map_or(ClientKeys::None, |url| ClientKeys::Url(url.into()));
    };
    match check_jwks(set) {
        Ok(()) if method.has_public_keys() && !PublicKeys::parse(set).has_signature_keys() => {
            problems.invalid("spec.jwks", NO_VERIFYING_KEY);
        }
        Ok(()) => return ClientKeys::Inline(Arc::new(set.clone())),
        Err(message) => problems.invalid("spec.jwks", message),
    }
    ClientKeys::None
}

/// A problem of a JWK Set, as a message about the field.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidJwks {
    #[error("must be a JWK Set: {{keys: [...]}}")]
    NotASet,
    #[error("must contain 1 to {MAX_KEYS} keys in at most 32 KiB")]
    Size,
    #[error("keys[{0}] must be a JWK")]
    NotAKey(usize),
    #[error(
        "keys[{0}] contains private key material; list only public keys, and replace this key because it is compromised"
    )]
    PrivateKey(usize),
    #[error("keys[{0}].kty must be RSA, EC or OKP")]
    KeyType(usize),
}

pub(super) fn check_jwks(set: &Value) -> Result<(), InvalidJwks> {
    let keys = set.get("keys").and_then(Value::as_array).ok_or(InvalidJwks::NotASet)?;
    if keys.is_empty() || keys.len() > MAX_KEYS || set.to_string().len() > MAX_BYTES {
        return Err(InvalidJwks::Size);
    }
    for (index, key) in keys.iter().enumerate() {
        let members = key.as_object().ok_or(InvalidJwks::NotAKey(index))?;
        if SECRET_MEMBERS.iter().any(|name| members.contains_key(*name)) {
            return Err(InvalidJwks::PrivateKey(index));
        }
        if !matches!(members.get("kty").and_then(Value::as_str), Some("RSA" | "EC" | "OKP")) {
            return Err(InvalidJwks::KeyType(index));
        }
    }
    Ok(())
}
