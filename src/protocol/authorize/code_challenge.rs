//! Rule: public clients must use PKCE with S256. So must clients whose settings, or whose tenant, require it (RFC
//! 7636 §4.3, RFC 9700 §2.1.1). Requests without a code need no challenge.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    super::error::{ErrorCode, OAuthError, abbreviate_value},
    parameters::{AuthorizationParameter, AuthorizationParams},
};
use crate::model::{Client, ResponseType};

pub(super) fn check_pkce_challenge(
    params: AuthorizationParams<'_>,
    client: &Client,
    response_type: ResponseType,
) -> Result<Option<String>, OAuthError> {
    if !response_type.has_code() {
        return Ok(None);
    }
    let challenge = params.get(AuthorizationParameter::CodeChallenge);
    let method = params.get(AuthorizationParameter::CodeChallengeMethod);
    let refused = |text: &str| {
        let received = format!(
            "code_challenge {}, code_challenge_method {}",
            if challenge.is_some() { "present" } else { "absent" },
            method.unwrap_or("absent"),
        );
        let error = OAuthError::new(ErrorCode::InvalidRequest, text);
        Err(error.mismatch(client, &received, "code_challenge_method S256"))
    };
    match (challenge, method) {
        (Some(challenge), Some("S256")) if is_hash(challenge) => Ok(Some(challenge.to_owned())),
        (Some(challenge), Some("S256")) if challenge.len() == HASH_LENGTH => refused(&format!(
            "code_challenge must be a base64url-encoded SHA-256 hash; the {HASH_LENGTH} characters of the request encode none.",
        )),
        (Some(challenge), Some("S256")) => refused(&format!(
            "code_challenge must be a base64url-encoded SHA-256 hash ({HASH_LENGTH} characters); the request has {} characters.",
            challenge.chars().count()
        )),
        (None, None) if !client.requires_pkce() => Ok(None),
        (None, Some(_)) => refused(
            "The parameter 'code_challenge' is missing; the request has code_challenge_method only.",
        ),
        (None, None) => refused(
            "The parameter 'code_challenge' is missing. This application must use PKCE: send code_challenge with code_challenge_method=S256.",
        ),
        (Some(_), method) => refused(&format!(
            "The parameter 'code_challenge_method' must be 'S256'; the request has {}.",
            method.map_or_else(
                || "none, which means 'plain'".to_owned(),
                |it| format!("'{}'", abbreviate_value(it))
            )
        )),
    }
}

/// RFC 7636 §4.2: base64url of 32 bytes.
/// The length of a SHA-256 hash in base64url.
const HASH_LENGTH: usize = 43;

fn is_hash(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}
