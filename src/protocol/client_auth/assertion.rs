//! Client assertions (RFC 7523 §3, OIDC Core §9). The algorithm is checked first. The caller, which
//! has the keys, then verifies the signature. The claims are checked last.

use std::time::Duration;

use serde_json::Value;

use super::invalid_client_error;
use crate::{
    model::{
        AssertionAudience, Client, ClientAuthentication, JwsAlgorithm, Timestamp, sha256_base64url,
    },
    protocol::{
        error::{OAuthError, abbreviate_value},
        jwt::{JWT_CLOCK_LEEWAY, UnverifiedJwt},
    },
};

/// The `client_assertion_type` of RFC 7523 §2.2.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The dedicated `typ` of client assertions (RFC 7523bis §4).
pub(super) const JWT_TYPE: &str = "client-authentication+jwt";
/// The longest time until an assertion expires. Libraries sign for up to an hour (Authlib).
const MAX_LIFETIME: Duration = Duration::from_hours(1);
/// Maximum length of `jti` in bytes.
const MAX_JTI_LEN: usize = 512;

/// The audiences that an assertion may have.
#[derive(Clone, Copy, Debug)]
pub struct AcceptedAudiences<'a> {
    /// The choice that the client registered among the values below.
    pub allowed: AssertionAudience,
    /// The issuer of the tenant.
    pub issuer: &'a str,
    /// The URL of the token endpoint.
    pub token_endpoint: &'a str,
    /// The URL of the endpoint that received the assertion.
    pub endpoint: &'a str,
    /// The addresses inside the cluster of the issuer and of both endpoints.
    pub internal: &'a [String],
}

/// The key under which a used assertion is recorded, to detect replays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayKey {
    /// A hash of client and `jti`.
    pub id: String,
    /// When the assertion expires, so that the record is no longer needed.
    pub expires_at: Timestamp,
}

/// Rule: the assertion has the registered algorithm. Without one, all algorithms of the registered method are
/// allowed (OIDC Core §9). `none` is never allowed (OIDC Registration §2).
pub(super) fn check_assertion_algorithm(
    method: &ClientAuthentication,
    algorithm: JwsAlgorithm,
) -> bool {
    let (fits, policy) = match method {
        ClientAuthentication::SecretJwt { policy, .. } => (algorithm.is_symmetric(), policy),
        ClientAuthentication::PrivateKeyJwt { policy } => (algorithm.is_asymmetric(), policy),
        ClientAuthentication::None
        | ClientAuthentication::Secret { .. }
        | ClientAuthentication::TlsClientAuth { .. }
        | ClientAuthentication::SelfSignedTls => return false,
    };
    fits && policy.signing_alg.is_none_or(|registered| algorithm.is(registered))
}

/// Checks the claims of an assertion whose signature was verified.
pub fn check_assertion_claims(
    client: &Client,
    jwt: &UnverifiedJwt,
    audience: AcceptedAudiences<'_>,
    now: Timestamp,
) -> Result<ReplayKey, OAuthError> {
    if let Some(problem) = jwt.wrong_typ(JWT_TYPE, "client assertion") {
        return Err(invalid_client_error(&problem));
    }
    let id = Some(client.id.as_str());
    if jwt.text("iss") != id || jwt.text("sub") != id {
        return Err(invalid_client_error(
            "'iss' and 'sub' of the client assertion must be the client_id.",
        ));
    }
    let aud = jwt.claims.get("aud");
    if !names(audience, aud) {
        return Err(wrong_audience(client, audience, aud));
    }
    let expires_at = lifetime(jwt, now)?;
    let jti = jwt.text("jti").filter(|jti| (1..=MAX_JTI_LEN).contains(&jti.len()));
    let jti = jti.ok_or_else(|| {
        invalid_client_error("The client assertion must have a 'jti' of at most 512 bytes.")
    })?;
    let named = format!("{}\0{jti}", client.id);
    Ok(ReplayKey { id: sha256_base64url(named), expires_at })
}

/// Returns the error for an assertion that was used before (RFC 7523 §3, 7).
pub fn reused_assertion_error() -> OAuthError {
    invalid_client_error(
        "The client assertion has been used before; create a new one for each request.",
    )
}

fn names(audience: AcceptedAudiences<'_>, written: Option<&Value>) -> bool {
    let AcceptedAudiences { allowed, issuer, token_endpoint, endpoint, internal } = audience;
    match (allowed, written) {
        // A single string, so that the assertion is valid only here (FAPI 2.0 §5.3.2.1).
        (AssertionAudience::Issuer, Some(Value::String(only))) => only == issuer,
        (AssertionAudience::Issuer, _) | (_, None) => false,
        (AssertionAudience::IssuerOrEndpoint, Some(written)) => {
            let ours = |one: &Value| {
                one.as_str().is_some_and(|one| {
                    [issuer, token_endpoint, endpoint].contains(&one)
                        || internal.iter().any(|internal| internal == one)
                })
            };
            ours(written) || written.as_array().is_some_and(|all| all.iter().any(ours))
        }
    }
}

/// The error for an audience of another server. The signature was verified, so the client may see
/// the values.
fn wrong_audience(
    client: &Client,
    audience: AcceptedAudiences<'_>,
    written: Option<&Value>,
) -> OAuthError {
    let AcceptedAudiences { allowed, issuer, token_endpoint, endpoint, .. } = audience;
    let received = match written {
        None => "missing".to_owned(),
        Some(Value::String(one)) => format!("'{}'", abbreviate_value(one)),
        Some(other) => format!("'{}'", abbreviate_value(&other.to_string())),
    };
    let expected = match allowed {
        AssertionAudience::Issuer => format!("the string '{issuer}'"),
        AssertionAudience::IssuerOrEndpoint if token_endpoint == endpoint => {
            format!("'{issuer}' or '{endpoint}'")
        }
        AssertionAudience::IssuerOrEndpoint => {
            format!("'{issuer}', '{token_endpoint}' or '{endpoint}'")
        }
    };
    let text = format!("'aud' of the client assertion is {received}; it must be {expected}.");
    invalid_client_error(&text).mismatch(client, &received, &expected)
}

/// Checks `exp`, `nbf` and `iat` (RFC 7523 §3, 4 to 6). Leeway applies only to clocks that are
/// ahead.
fn lifetime(jwt: &UnverifiedJwt, now: Timestamp) -> Result<Timestamp, OAuthError> {
    let exp = jwt
        .time("exp")
        .ok_or_else(|| invalid_client_error("The client assertion must have an 'exp'."))?;
    if exp <= now.secs() {
        return Err(invalid_client_error("The client assertion has expired."));
    }
    if exp > now.plus(MAX_LIFETIME + JWT_CLOCK_LEEWAY).secs() {
        let text = format!(
            "The client assertion expires in {} seconds; it must expire within an hour.",
            exp.saturating_sub(now.secs())
        );
        return Err(invalid_client_error(&text));
    }
    for name in ["nbf", "iat"] {
        let ahead = jwt.time(name).is_some_and(|time| time > now.plus(JWT_CLOCK_LEEWAY).secs());
        if ahead || (jwt.claims.contains_key(name) && jwt.time(name).is_none()) {
            return Err(invalid_client_error(&format!(
                "'{name}' of the client assertion is in the future."
            )));
        }
    }
    Ok(Timestamp::from_secs(exp))
}

#[cfg(test)]
mod tests;
