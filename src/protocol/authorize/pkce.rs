//! Rule: public clients must use PKCE with S256 (RFC 7636 §4.3, RFC 9700 §2.1.1). Requests without
//! a code need no challenge.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    super::error::{ErrorCode, OAuthError},
    parameters::{AuthorizationParams, Parameter},
};
use crate::model::{Client, ResponseType};

pub(super) fn check(
    params: AuthorizationParams<'_>,
    client: &Client,
    response_type: ResponseType,
) -> Result<Option<String>, OAuthError> {
    if !response_type.has_code() {
        return Ok(None);
    }
    let refused = |text: &str| Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    match (params.get(Parameter::CodeChallenge), params.get(Parameter::CodeChallengeMethod)) {
        (Some(challenge), Some("S256")) if is_hash(challenge) => Ok(Some(challenge.to_owned())),
        (Some(_), Some("S256")) => {
            refused("code_challenge must be a base64url-encoded SHA-256 hash (43 characters).")
        }
        (None, None) if !client.is_public() => Ok(None),
        (None, _) => refused("The parameter 'code_challenge' is missing."),
        (Some(_), _) => refused("The parameter 'code_challenge_method' must be 'S256'."),
    }
}

/// RFC 7636 §4.2: base64url of 32 bytes.
fn is_hash(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}
