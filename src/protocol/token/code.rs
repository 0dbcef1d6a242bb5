//! Redeeming a code (RFC 6749 §4.1.3): what must fit before the gate, and the grant that passes it.

use super::invalid_grant;
use crate::{
    model::{Client, GrantType, Timestamp},
    protocol::{
        error::OAuthError,
        pkce,
        records::{AuthorizationCode, Grant, GrantState},
    },
};

/// Every binding of a code. What fails here neither burns the code nor revokes anything.
pub fn check_code(
    code: &AuthorizationCode,
    client: &Client,
    (redirect_uri, verifier): (Option<&str>, Option<&str>),
    incarnation: &str,
) -> Result<(), OAuthError> {
    // The code was given to this client (§4.1.3).
    if code.grant.client != client.id {
        return Err(invalid_grant("The code was given to another client."));
    }
    // The redirect URI is that of the request, if it had one (§4.1.3).
    if code.redirect_uri.as_deref() != redirect_uri {
        let text = "redirect_uri is not the one of the authorization request.";
        return Err(invalid_grant(text));
    }
    pkce::verify(code.code_challenge.as_deref(), verifier)?;
    // A store that was lost knows no spent codes: those made with it stay spent (design §6).
    if code.incarnation != incarnation {
        return Err(invalid_grant("The code is not valid any more.").because("another store"));
    }
    Ok(())
}

/// A code lives for its minute and no longer: clocks of replicas that differ shorten that, they
/// never lengthen it by more than they differ (RFC 6749 §4.1.2).
pub fn check_age(code: &AuthorizationCode, now: Timestamp) -> Result<(), OAuthError> {
    if now >= code.expires_at { Err(invalid_grant("The code has expired.")) } else { Ok(()) }
}

/// The grant as it passes the gate: with a first refresh token where the client may have one.
pub fn activate_grant(code: AuthorizationCode, client: &Client, now: Timestamp) -> Grant {
    let generation = u32::from(client.grant_types.contains(&GrantType::RefreshToken));
    Grant { state: GrantState::Active { generation, rotated_at: now }, ..code.grant }
}
