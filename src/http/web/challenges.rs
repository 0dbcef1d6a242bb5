//! Challenges of endpoints to which access tokens are sent (RFC 6750 §3, RFC 9449 §7.1).

use http::{HeaderValue, StatusCode, header};

use super::Reply;
use crate::{
    model::JwsAlgorithm,
    protocol::{
        dpop::PROOF_ALGORITHMS,
        error::{ErrorCode, OAuthError},
    },
};

/// The response to a request without a token: a challenge without an error (RFC 6750 §3.1).
pub(super) fn missing_token_reply(realm: &str) -> Reply {
    let challenge = format!("Bearer realm=\"{realm}\"");
    with_challenge(Reply::empty(StatusCode::UNAUTHORIZED), &challenge)
}

/// The response to a request without an access token, which could be bound to a key: a challenge each for `DPoP` and
/// `Bearer`.
pub(super) fn missing_access_token_reply(realm: &str) -> Reply {
    with_challenge(missing_token_reply(realm), &dpop_challenge(realm))
}

/// The response for a refused token or proof (RFC 9449 §7.1).
pub(super) fn dpop_error(realm: &str, error: &OAuthError) -> Reply {
    let challenge = format!(
        "{}, error=\"{}\", error_description=\"{}\"",
        dpop_challenge(realm),
        error.code,
        error.public
    );
    with_challenge(Reply::oauth_error(error).status(bearer_status(error.code)), &challenge)
}

fn dpop_challenge(realm: &str) -> String {
    let algorithms = PROOF_ALGORITHMS.map(JwsAlgorithm::as_str).join(" ");
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
    let mut challenge = format!(
        "Bearer realm=\"{realm}\", error=\"{}\", error_description=\"{}\"",
        error.code, error.public
    );
    if error.code == ErrorCode::InsufficientScope {
        // The scope that would be sufficient (RFC 6750 §3).
        challenge.push_str(", scope=\"openid\"");
    }
    Reply::oauth_error(error)
        .status(bearer_status(error.code))
        .header("www-authenticate", &challenge)
}

/// The status for an error code (RFC 6750 §3.1).
const fn bearer_status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::InvalidRequest => StatusCode::BAD_REQUEST,
        ErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
        _ => StatusCode::UNAUTHORIZED,
    }
}
