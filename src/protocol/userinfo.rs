//! Userinfo's rules (OIDC Core §5.3, RFC 6750, RFC 9068 §4).

use serde_json::Value;

use super::{
    claims::{Claims, GRANT},
    error::{ErrorCode, OAuthError},
    params::Params,
    records::{Grant, GrantState},
    scope::{self, Scopes},
};
use crate::model::{Issuer, Subject, Timestamp};

/// What an access token of a person says, its signature and type verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// Whom it is about.
    pub subject: Subject,
    /// What it allows.
    pub scopes: Scopes,
    /// Its grant.
    pub grant_id: String,
}

/// The token of a request: by exactly one of the ways of RFC 6750 §2, and never in the query, where
/// it would end in logs. `None`: there is none.
pub fn bearer_token<'a>(
    authorization: Option<&'a str>,
    query: &Params,
    form: Option<&'a Params>,
) -> Result<Option<&'a str>, OAuthError> {
    let invalid = |text: &str| Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    if query.get("access_token").is_some() {
        return invalid("Send the access token in the Authorization header, not in the query.");
    }
    let header = match authorization.map(|header| header.split_once(' ')) {
        Some(Some((scheme, token))) if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim()),
        Some(_) => {
            return invalid("The Authorization header must be 'Bearer' and an access token.");
        }
        None => None,
    };
    let body = form.and_then(|form| form.get("access_token"));
    match (header, body) {
        (Some(_), Some(_)) => invalid("Send the access token in one way only."),
        (token, None) | (None, token) => Ok(token),
    }
}

/// The checks of a token's claims (RFC 9068 §4).
pub fn check_claims(
    claims: &Claims,
    issuer: &Issuer,
    now: Timestamp,
) -> Result<Bearer, OAuthError> {
    let invalid = |text: &str| OAuthError::new(ErrorCode::InvalidToken, text);
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    if text("iss") != Some(issuer.as_str()) {
        return Err(invalid("The access token is of another issuer."));
    }
    if time("exp").is_none_or(|exp| exp <= now.secs()) {
        return Err(invalid("The access token has expired."));
    }
    let for_us = match claims.get("aud") {
        Some(Value::String(audience)) => audience == issuer.as_str(),
        Some(Value::Array(all)) => all.iter().any(|one| one == issuer.as_str()),
        _ => false,
    };
    if !for_us {
        return Err(invalid("The access token is for another audience."));
    }
    let scopes = scope::parse(text("scope"));
    if !scopes.contains("openid") {
        let text = "The access token was given without the scope 'openid'.";
        return Err(OAuthError::new(ErrorCode::InsufficientScope, text));
    }
    match (text("sub"), text(GRANT)) {
        (Some(subject), Some(grant_id)) => {
            Ok(Bearer { subject: Subject::new(subject), scopes, grant_id: grant_id.to_owned() })
        }
        _ => Err(invalid("The access token is not a person's.")),
    }
}

/// Rule: a token is worth what its grant is (design §6, "Tokens of a person name their grant").
pub fn check_grant(grant: Option<&Grant>, now: Timestamp) -> Result<(), OAuthError> {
    let active = grant.is_some_and(|grant| {
        matches!(grant.state, GrantState::Active { .. }) && now < grant.ends_at
    });
    if active {
        return Ok(());
    }
    Err(OAuthError::new(ErrorCode::InvalidToken, "The access token has been revoked."))
}
