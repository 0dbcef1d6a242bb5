//! The checks that an application makes of an ID token (OIDC Core §3.1.3.7), and a decoder to
//! display it.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Map, Value};

use crate::model::Timestamp;

/// Accepted clock difference to the provider, in seconds.
const LEEWAY: i64 = 60;

/// The expected values of the ID token.
pub(super) struct ExpectedIdToken<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    /// The nonce of the authorization request; `None` after a refresh.
    pub nonce: Option<&'a str>,
    pub access_token: &'a str,
    pub now: Timestamp,
}

/// A valid ID token, and descriptions of the checks for the page.
#[derive(Debug)]
pub(super) struct VerifiedIdToken {
    pub claims: Map<String, Value>,
    pub checks: Vec<String>,
}

/// The rule that an ID token violates.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidIdToken {
    #[error("not a JWT")]
    Malformed(#[source] jsonwebtoken::errors::Error),
    #[error("alg {0:?} is not supported")]
    Algorithm(Algorithm),
    #[error("kid is missing")]
    NoKeyId,
    #[error("kid is not in the issuer's JWKS")]
    UnknownKey,
    #[error("the key in JWKS cannot be used")]
    UnusableKey(#[source] jsonwebtoken::errors::Error),
    #[error("the signature is invalid")]
    Signature(#[source] jsonwebtoken::errors::Error),
    #[error("iss is not the issuer")]
    WrongIssuer,
    #[error("exp is missing or past")]
    Expired,
    #[error("iat is missing or in the future")]
    IssuedInFuture,
    #[error("nonce does not match the request")]
    WrongNonce,
    #[error("at_hash does not match the access token")]
    WrongAccessTokenHash,
    #[error("aud is not this client")]
    WrongAudience,
    #[error("azp is another client")]
    WrongAuthorizedParty,
    #[error("azp is missing")]
    NoAuthorizedParty,
}

/// Checks the signature and claims of an ID token (OIDC Core §3.1.3.7).
pub(super) fn verify_id_token(
    token: &str,
    keys: &JwkSet,
    expected: &ExpectedIdToken<'_>,
) -> Result<VerifiedIdToken, InvalidIdToken> {
    let (claims, algorithm, kid) = verify_signature(token, keys)?;
    let mut checks = vec![format!("Signed with {algorithm:?} by key {kid} of the issuer's JWKS")];
    let text = |name: &str| claims.get(name).and_then(Value::as_str);

    // §3.1.3.7 (2): the issuer is the expected one.
    if text("iss") != Some(expected.issuer) {
        return Err(InvalidIdToken::WrongIssuer);
    }
    checks.push("iss is the expected issuer".to_owned());
    // (3) to (5): the audience is this client.
    check_audience(&claims, expected.client_id)?;
    checks.push("aud is this client".to_owned());
    // (9), (10): the token is valid now.
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    let now = expected.now.secs();
    if time("exp").is_none_or(|exp| exp + LEEWAY <= now) {
        return Err(InvalidIdToken::Expired);
    }
    if time("iat").is_none_or(|iat| iat > now + LEEWAY) {
        return Err(InvalidIdToken::IssuedInFuture);
    }
    checks.push("exp and iat are valid now".to_owned());
    // (11): the nonce is the request's.
    if let Some(nonce) = expected.nonce {
        if text("nonce") != Some(nonce) {
            return Err(InvalidIdToken::WrongNonce);
        }
        checks.push("nonce matches the request".to_owned());
    }
    // §3.1.3.8: at_hash binds the access token.
    if let Some(at_hash) = text("at_hash") {
        if at_hash != left_half_hash(algorithm, expected.access_token) {
            return Err(InvalidIdToken::WrongAccessTokenHash);
        }
        checks.push("at_hash matches the access token".to_owned());
    }
    Ok(VerifiedIdToken { claims, checks })
}

fn verify_signature(
    token: &str,
    keys: &JwkSet,
) -> Result<(Map<String, Value>, Algorithm, String), InvalidIdToken> {
    let header = jsonwebtoken::decode_header(token).map_err(InvalidIdToken::Malformed)?;
    let asymmetric = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];
    if !asymmetric.contains(&header.alg) {
        return Err(InvalidIdToken::Algorithm(header.alg));
    }
    let kid = header.kid.ok_or(InvalidIdToken::NoKeyId)?;
    let key = keys.find(&kid).ok_or(InvalidIdToken::UnknownKey)?;
    let key = DecodingKey::from_jwk(key).map_err(InvalidIdToken::UnusableKey)?;
    let mut validation = Validation::new(header.alg);
    // Claims are checked below, against the demo's own clock.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let data = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation)
        .map_err(InvalidIdToken::Signature)?;
    Ok((data.claims, header.alg, kid))
}

fn check_audience(claims: &Map<String, Value>, client_id: &str) -> Result<(), InvalidIdToken> {
    let several = match claims.get("aud") {
        Some(Value::String(one)) if one == client_id => false,
        Some(Value::Array(all)) if all.iter().any(|one| one == client_id) => all.len() > 1,
        _ => return Err(InvalidIdToken::WrongAudience),
    };
    match claims.get("azp") {
        Some(azp) if azp != client_id => Err(InvalidIdToken::WrongAuthorizedParty),
        None if several => Err(InvalidIdToken::NoAuthorizedParty),
        _ => Ok(()),
    }
}

/// The left half of the algorithm's hash, base64url-encoded.
fn left_half_hash(algorithm: Algorithm, text: &str) -> String {
    let hash = match algorithm {
        Algorithm::EdDSA => &digest::SHA512,
        _ => &digest::SHA256,
    };
    let digest = digest::digest(hash, text.as_bytes());
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..digest.as_ref().len() / 2])
}

/// Decodes header and claims of a JWT without verification, to display them.
pub(super) fn peek_id_token(token: &str) -> Option<(Value, Map<String, Value>)> {
    let mut parts = token.split('.');
    let mut next = || URL_SAFE_NO_PAD.decode(parts.next()?).ok();
    let (header, claims) = (next()?, next()?);
    Some((serde_json::from_slice(&header).ok()?, serde_json::from_slice(&claims).ok()?))
}

#[cfg(test)]
pub(super) mod tests;
