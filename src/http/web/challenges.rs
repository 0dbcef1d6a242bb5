//! Challenges of endpoints to which access tokens are sent (RFC 6750 §3, RFC 9449 §7.1).

use http::{HeaderValue, StatusCode, header};

use super::Reply;
use crate::{
    model::{JwsAlgorithm, Tenant},
    protocol::{
        dpop::proof_algorithms,
        error::{ErrorCode, OAuthError},
    },
};

/// The response to a request without a token: a challenge without an error (RFC 6750 §3.1).
pub(super) fn missing_token_reply(realm: &str) -> Reply {
    let challenge = format!("Bearer realm=\"{realm}\"");
    with_challenge(Reply::empty(StatusCode::UNAUTHORIZED), &challenge)
}

/// The response to a request without an access token, which could be bound to a key: a challenge each for `DPoP` and
/// `Bearer`, or for `DPoP` alone if the tenant's profile permits no other tokens.
pub(super) fn missing_access_token_reply((realm, tenant): (&str, Option<&Tenant>)) -> Reply {
    let reply = if tenant.is_none_or(Tenant::has_bearer_tokens) {
        missing_token_reply(realm)
    } else {
        Reply::empty(StatusCode::UNAUTHORIZED)
    };
    with_challenge(reply, &dpop_challenge((realm, tenant)))
}

/// The response for a refused access token: a challenge for the scheme that the tenant's tokens are sent with.
pub(super) fn access_token_error(of: (&str, Option<&Tenant>), error: &OAuthError) -> Reply {
    let (realm, tenant) = of;
    if tenant.is_none_or(Tenant::has_bearer_tokens) {
        bearer_error(realm, error)
    } else {
        dpop_error(of, error)
    }
}

/// The response for a refused token or proof (RFC 9449 §7.1).
pub(super) fn dpop_error(of: (&str, Option<&Tenant>), error: &OAuthError) -> Reply {
    let challenge = format!("{}, {}", dpop_challenge(of), error_parameters(error));
    with_challenge(Reply::oauth_error(error).status(bearer_status(error.code)), &challenge)
}

fn dpop_challenge((realm, tenant): (&str, Option<&Tenant>)) -> String {
    let algorithms = proof_algorithms(tenant.and_then(|tenant| tenant.fapi2));
    let algorithms = algorithms.map(JwsAlgorithm::as_str).collect::<Vec<_>>().join(" ");
    format!("DPoP realm=\"{realm}\", algs=\"{algorithms}\"")
}

/// Adds a challenge to those that the response has.
fn with_challenge(mut reply: Reply, challenge: &str) -> Reply {
    if let Ok(challenge) = HeaderValue::from_str(challenge) {
        reply.headers.append(header::WWW_AUTHENTICATE, challenge);
    }
    reply
}

/// The challenge for a refused bearer token (RFC 6750 §3).
pub(super) fn bearer_error(realm: &str, error: &OAuthError) -> Reply {
    let challenge = format!("Bearer realm=\"{realm}\", {}", error_parameters(error));
    Reply::oauth_error(error)
        .status(bearer_status(error.code))
        .header("www-authenticate", &challenge)
}

/// The parameters of a challenge that describe an error (RFC 6750 §3).
fn error_parameters(error: &OAuthError) -> String {
    let described = format!("error=\"{}\", error_description=\"{}\"", error.code, error.public);
    if error.code == ErrorCode::InsufficientScope {
        // The scope that would be sufficient.
        described + ", scope=\"openid\""
    } else {
        described
    }
}

/// The status for an error code (RFC 6750 §3.1).
const fn bearer_status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::InvalidRequest => StatusCode::BAD_REQUEST,
        ErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
        _ => StatusCode::UNAUTHORIZED,
    }
}
