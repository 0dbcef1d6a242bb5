//! Rule: a request object of FAPI 2.0 Message Signing is for this issuer and for at most an hour (§5.3.1).

use std::time::Duration;

use super::{super::super::error::OAuthError, refused};
use crate::{model::Timestamp, protocol::jwt::UnverifiedJwt};

/// The longest lifetime of an object, and its highest age.
const MAX_LIFETIME: Duration = Duration::from_hours(1);

/// Checks the claims that other request objects may lack. The others are checked already: the audience and `exp` are
/// right if they are there, and `nbf` is not in the future.
pub(super) fn check_signed_request(jwt: &UnverifiedJwt, now: Timestamp) -> Result<(), OAuthError> {
    if !jwt.claims.contains_key("aud") {
        return Err(refused("The request object must have the issuer as 'aud'."));
    }
    let missing = |name: &str| refused(&format!("The request object must have '{name}'."));
    let (nbf, exp) = (jwt.time("nbf"), jwt.time("exp"));
    let nbf = nbf.ok_or_else(|| missing("nbf"))?;
    let exp = exp.ok_or_else(|| missing("exp"))?;
    if now.since(Timestamp::from_secs(nbf)) > MAX_LIFETIME {
        return Err(refused("'nbf' of the request object must be at most an hour ago."));
    }
    if exp.saturating_sub(nbf) > MAX_LIFETIME.as_secs().cast_signed() {
        return Err(refused("'exp' of the request object must be at most an hour after 'nbf'."));
    }
    Ok(())
}
