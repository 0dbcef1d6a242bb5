//! What clients may ask for and is not there: refused, since ignoring it would weaken the client.

use serde_json::{Map, Value};

use super::{ErrorCode, OAuthError, invalid};

/// Encryption of what is sent either way (OIDC Registration §2).
const ENCRYPTION: [&str; 6] = [
    "id_token_encrypted_response_alg",
    "id_token_encrypted_response_enc",
    "userinfo_encrypted_response_alg",
    "userinfo_encrypted_response_enc",
    "request_object_encryption_alg",
    "request_object_encryption_enc",
];

/// Rule: no encryption, and no software statement, whose claims would have to win (RFC 7591 §2.3).
pub(super) fn check(members: &Map<String, Value>) -> Result<(), OAuthError> {
    if let Some(name) = ENCRYPTION.iter().find(|name| members.contains_key(**name)) {
        return Err(invalid(format!("{name} is not supported: nothing is encrypted here.")));
    }
    if members.contains_key("software_statement") {
        let text = "No publisher of software statements is known here. Send the metadata itself.";
        return Err(OAuthError::new(ErrorCode::UnapprovedSoftwareStatement, text));
    }
    Ok(())
}
