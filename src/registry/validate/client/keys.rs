//! A client's public keys, by value: a JWK Set without anything secret (RFC 7517 §5, OIDC
//! Registration §2).

use std::sync::Arc;

use serde_json::Value;

use crate::{
    api::OidcClientSpec, keys::PublicKeys, model::AuthMethod, registry::validate::ProblemList,
};

/// Most keys of a set.
const MAX_KEYS: usize = 32;
/// Most bytes of a set as JSON.
const MAX_BYTES: usize = 32 * 1024;
/// Why nobody could authenticate by these keys.
const NO_VERIFYING_KEY: &str = "holds no key that verifies a signature, as private_key_jwt needs; give a whole RSA, EC (P-256, P-384) or OKP (Ed25519) key whose use is sig or unsaid";
/// Members that give a private or symmetric key away (RFC 7518 §6).
const SECRET_MEMBERS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

/// Checks `jwks`, and that keys are there where they are needed.
pub fn check(
    problems: &mut ProblemList,
    spec: &OidcClientSpec,
    method: AuthMethod,
) -> Option<Arc<Value>> {
    if spec.jwks.is_some() && spec.jwks_uri.is_some() {
        problems.invalid("spec.jwksUri", "excludes jwks; keep one of the two");
    }
    if method == AuthMethod::PrivateKeyJwt && spec.jwks.is_none() && spec.jwks_uri.is_none() {
        let message = "private_key_jwt needs the application's public keys; give jwks or jwksUri";
        problems.invalid("spec.tokenEndpointAuthMethod", message);
    }
    let set = spec.jwks.as_ref()?;
    match judge(set) {
        Ok(()) if method == AuthMethod::PrivateKeyJwt && PublicKeys::parse(set).is_empty() => {
            problems.invalid("spec.jwks", NO_VERIFYING_KEY);
            None
        }
        Ok(()) => Some(Arc::new(set.clone())),
        Err(message) => {
            problems.invalid("spec.jwks", message);
            None
        }
    }
}

fn judge(set: &Value) -> Result<(), String> {
    let keys = set.get("keys").and_then(Value::as_array);
    let keys = keys.ok_or("must be a JWK Set: {keys: [...]}")?;
    if keys.is_empty() || keys.len() > MAX_KEYS || set.to_string().len() > MAX_BYTES {
        return Err(format!("must hold 1 to {MAX_KEYS} keys, in at most 32 KiB"));
    }
    for (index, key) in keys.iter().enumerate() {
        let Some(members) = key.as_object() else {
            return Err(format!("keys[{index}] must be a JWK"));
        };
        if SECRET_MEMBERS.iter().any(|name| members.contains_key(*name)) {
            return Err(format!(
                "keys[{index}] holds a private or symmetric key; list public keys only, and replace that one"
            ));
        }
        if !matches!(members.get("kty").and_then(Value::as_str), Some("RSA" | "EC" | "OKP")) {
            return Err(format!("keys[{index}].kty must be RSA, EC or OKP"));
        }
    }
    Ok(())
}
