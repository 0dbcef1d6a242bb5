//! Claims about an ID token itself, which say nothing about the person and are not kept: they would be
//! wrong at the next use.

use super::UpstreamClaims;

const TOKEN_CLAIMS: [&str; 14] = [
    "aud",
    "azp",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "at_hash",
    "c_hash",
    "auth_time",
    "sid",
    "s_hash",
    "acr",
    "amr",
];

/// Returns true for a claim that mappings and rules cannot read.
pub fn is_token_claim(name: &str) -> bool {
    TOKEN_CLAIMS.contains(&name)
}

/// The claims about the person, without those about the token.
pub fn person_claims(claims: &UpstreamClaims) -> UpstreamClaims {
    let about_person = claims.iter().filter(|(name, _)| !is_token_claim(name));
    about_person.map(|(name, value)| (name.clone(), value.clone())).collect()
}
