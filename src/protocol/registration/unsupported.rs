//! Metadata for unsupported features. It is rejected, because ignoring it would weaken the client's
//! security.

use serde_json::{Map, Value};

use super::{ErrorCode, OAuthError, invalid};

/// Encryption of tokens, responses and request objects (OIDC Registration §2, JARM §3).
const ENCRYPTION: [&str; 8] = [
    "id_token_encrypted_response_alg",
    "id_token_encrypted_response_enc",
    "userinfo_encrypted_response_alg",
    "userinfo_encrypted_response_enc",
    "request_object_encryption_alg",
    "request_object_encryption_enc",
    "authorization_encrypted_response_alg",
    "authorization_encrypted_response_enc",
];

/// Signed requests over the backchannel (CIBA Core §4). A `backchannel_user_code_parameter` of false is the default.
const SIGNED_BACKCHANNEL: [&str; 1] = ["backchannel_authentication_request_signing_alg"];

/// Rule: encryption is not supported, nor are software statements, whose claims would take
/// precedence (RFC 7591 §2.3).
pub(super) fn check_unsupported_metadata(members: &Map<String, Value>) -> Result<(), OAuthError> {
    if let Some(name) = ENCRYPTION.iter().find(|name| members.contains_key(**name)) {
        return Err(invalid(format!("{name} is not supported: encryption is not available.")));
    }
    // CIBA Core §4: what a client relies on to protect its requests.
    if let Some(name) = SIGNED_BACKCHANNEL.iter().find(|name| members.contains_key(**name)) {
        return Err(invalid(format!("{name} is not supported; remove it.")));
    }
    if members.contains_key("software_statement") {
        let text = "Software statements are not supported; send the metadata itself.";
        return Err(OAuthError::new(ErrorCode::UnapprovedSoftwareStatement, text));
    }
    Ok(())
}
