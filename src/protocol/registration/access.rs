//! Tokens for registering and managing clients (RFC 7591 §3, RFC 7592 §3). Only a hash of a
//! registration access token is stored.

use aws_lc_rs::constant_time;

use super::{ErrorCode, OAuthError};
use crate::model::{Client, Secret, sha256_base64url};

/// Returns the stored hash of a registration access token. The token has 256 random bits, so a
/// single round of a fast hash is enough.
pub fn token_hash(token: &str) -> String {
    sha256_base64url(token)
}

/// Rule: the token is the tenant's initial access token, compared in constant time.
pub fn check_initial_access_token(
    expected: Option<&Secret<String>>,
    sent: &str,
) -> Result<(), OAuthError> {
    match expected {
        Some(expected) if constant_time_eq(expected.expose(), sent) => Ok(()),
        _ => Err(OAuthError::new(
            ErrorCode::InvalidToken,
            "The initial access token is not valid for this issuer.",
        )),
    }
}

/// Rule: the token is the client's registration access token. The error is the same if the client
/// does not exist or was not registered dynamically.
pub fn check_registration_access_token(
    client: Option<&Client>,
    sent: &str,
) -> Result<(), OAuthError> {
    let registered = client.and_then(|client| client.registered.as_ref());
    let expected = registered.and_then(|it| it.token_hash.as_deref());
    if constant_time_eq(expected.unwrap_or_default(), &token_hash(sent)) {
        return Ok(());
    }
    let text = "The registration access token is not valid for this client.";
    Err(OAuthError::new(ErrorCode::InvalidToken, text))
}

pub(super) fn constant_time_eq(one: &str, other: &str) -> bool {
    constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}
