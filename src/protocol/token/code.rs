//! Redeems an authorization code (RFC 6749 §4.1.3): the checks, and the grant it results in.

use super::invalid_grant;
use crate::{
    model::{Client, GrantType, Timestamp},
    protocol::{
        error::OAuthError,
        pkce,
        records::{AuthorizationCode, Grant, GrantState},
    },
};

/// Checks what a code is bound to. A failure neither spends the code nor revokes anything.
pub fn check_code(
    code: &AuthorizationCode,
    client: &Client,
    (redirect_uri, verifier): (Option<&str>, Option<&str>),
    incarnation: &str,
) -> Result<(), OAuthError> {
    // The code was issued to this client (§4.1.3).
    if code.grant.client != client.id {
        return Err(invalid_grant("The code was issued to another client."));
    }
    // The redirect URI equals that of the authorization request, if it had one (§4.1.3).
    if code.redirect_uri.as_deref() != redirect_uri {
        let text = "redirect_uri differs from that of the authorization request.";
        return Err(invalid_grant(text));
    }
    pkce::verify(code.code_challenge.as_deref(), verifier)?;
    // After its data was lost, a store does not know which codes were redeemed, so its earlier
    // codes are rejected.
    if code.incarnation != incarnation {
        return Err(invalid_grant("The code is no longer valid.").because("another store"));
    }
    Ok(())
}

/// Checks that a code has not expired. Unlike other expiry times, it has no allowance for clock
/// skew (RFC 6749 §4.1.2).
pub fn check_age(code: &AuthorizationCode, now: Timestamp) -> Result<(), OAuthError> {
    if now >= code.expires_at { Err(invalid_grant("The code has expired.")) } else { Ok(()) }
}

/// Returns the grant to store, with a first refresh token if the client may have one.
pub fn activate_grant(code: AuthorizationCode, client: &Client, now: Timestamp) -> Grant {
    let generation = u32::from(client.grant_types.contains(&GrantType::RefreshToken));
    Grant { state: GrantState::Active { generation, rotated_at: now }, ..code.grant }
}
