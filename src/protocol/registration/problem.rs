//! Converts validation problems of a manifest to error responses (RFC 7591 §3.2.2).

use super::{ErrorCode, OAuthError, fields::registered_name};

/// Returns the error for a field of a manifest and its problem.
pub fn registration_refusal(field: &str, message: &str) -> OAuthError {
    let field = field.strip_prefix("spec.").unwrap_or(field);
    // A list in a manifest is a single string on the wire (RFC 7591 §2).
    let name =
        if field.starts_with("scopes") { "scope".to_owned() } else { registered_name(field) };
    let code = if name.starts_with("redirect_uris") {
        ErrorCode::InvalidRedirectUri
    } else {
        ErrorCode::InvalidClientMetadata
    };
    OAuthError::new(code, format!("{name}: {message}."))
}
