//! What an application checks of an ID token (OIDC Core §3.1.3.7), and how it looks into one.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Map, Value};

use crate::model::Timestamp;

/// How far the provider's clock may be off, in seconds.
const LEEWAY: i64 = 60;

/// What the ID token must say.
pub(super) struct ExpectedIdToken<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    /// Of the authorization request; none after a refresh.
    pub nonce: Option<&'a str>,
    pub access_token: &'a str,
    pub now: Timestamp,
}

/// An ID token that holds, and what was checked, for people to read.
#[derive(Debug)]
pub(super) struct VerifiedIdToken {
    pub claims: Map<String, Value>,
    pub checks: Vec<String>,
}

/// Checks signature and claims; the error says which rule is broken.
pub(super) fn verify(
    token: &str,
    keys: &JwkSet,
    expected: &ExpectedIdToken<'_>,
) -> Result<VerifiedIdToken, String> {
    let (claims, algorithm, kid) = verify_signature(token, keys)?;
    let mut checks = vec![format!("Signed with {algorithm:?} by key {kid} of the issuer's JWKS")];
    let text = |name: &str| claims.get(name).and_then(Value::as_str);

    // §3.1.3.7 (2): the issuer is the one that was asked.
    if text("iss") != Some(expected.issuer) {
        return Err("iss is not the issuer".to_owned());
    }
    checks.push("iss is the issuer that was asked".to_owned());
    // (3) to (5): it is for this client.
    check_audience(&claims, expected.client_id)?;
    checks.push("aud is this client".to_owned());
    // (9), (10): it is of now.
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    let now = expected.now.secs();
    if time("exp").is_none_or(|exp| exp + LEEWAY <= now) {
        return Err("exp is missing or past".to_owned());
    }
    if time("iat").is_none_or(|iat| iat > now + LEEWAY) {
        return Err("iat is missing or in the future".to_owned());
    }
    checks.push("exp and iat fit the present".to_owned());
    // (11): it answers this request.
    if let Some(nonce) = expected.nonce {
        if text("nonce") != Some(nonce) {
            return Err("nonce is not the one that was sent".to_owned());
        }
        checks.push("nonce is the one that was sent".to_owned());
    }
    // §3.1.3.8: it came with this access token.
    if let Some(at_hash) = text("at_hash") {
        if at_hash != left_half_hash(algorithm, expected.access_token) {
            return Err("at_hash is not of this access token".to_owned());
        }
        checks.push("at_hash is of the access token beside it".to_owned());
    }
    Ok(VerifiedIdToken { claims, checks })
}

fn verify_signature(
    token: &str,
    keys: &JwkSet,
) -> Result<(Map<String, Value>, Algorithm, String), String> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| "not a JWT".to_owned())?;
    let asymmetric = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
    if !asymmetric.contains(&header.alg) {
        return Err(format!("alg {:?} is not one of an issuer's", header.alg));
    }
    let kid = header.kid.ok_or("kid is missing")?;
    let key = keys.find(&kid).ok_or("kid is not in the issuer's JWKS")?;
    let key = DecodingKey::from_jwk(key).map_err(|_| "the key in JWKS cannot be used")?;
    let mut validation = Validation::new(header.alg);
    // Claims are checked against the demo's own clock, below.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let data = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation)
        .map_err(|_| "the signature is not the key's".to_owned())?;
    Ok((data.claims, header.alg, kid))
}

fn check_audience(claims: &Map<String, Value>, client_id: &str) -> Result<(), String> {
    let several = match claims.get("aud") {
        Some(Value::String(one)) if one == client_id => false,
        Some(Value::Array(all)) if all.iter().any(|one| one == client_id) => all.len() > 1,
        _ => return Err("aud is not this client".to_owned()),
    };
    match claims.get("azp") {
        Some(azp) if azp != client_id => Err("azp is another client".to_owned()),
        None if several => Err("azp is missing".to_owned()),
        _ => Ok(()),
    }
}

/// The left half of the hash that belongs to the algorithm, in base64url.
fn left_half_hash(algorithm: Algorithm, text: &str) -> String {
    let hash = match algorithm {
        Algorithm::EdDSA => &digest::SHA512,
        _ => &digest::SHA256,
    };
    let digest = digest::digest(hash, text.as_bytes());
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..digest.as_ref().len() / 2])
}

/// Header and claims of a JWT, unchecked: to look at.
pub(super) fn peek(token: &str) -> Option<(Value, Map<String, Value>)> {
    let mut parts = token.split('.');
    let mut next = || URL_SAFE_NO_PAD.decode(parts.next()?).ok();
    let (header, claims) = (next()?, next()?);
    Some((serde_json::from_slice(&header).ok()?, serde_json::from_slice(&claims).ok()?))
}

#[cfg(test)]
pub(super) mod tests;
