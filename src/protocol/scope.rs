//! Scopes: space-separated words (RFC 6749 §3.3).

use std::collections::BTreeSet;

use super::error::{ErrorCode, OAuthError};

/// A set of scopes.
pub type Scopes = BTreeSet<String>;

/// The scopes that every tenant knows.
pub const STANDARD: [&str; 8] =
    ["openid", "profile", "email", "address", "phone", "offline_access", "groups", "tenant"];

/// The words of a `scope` parameter; without one, none.
pub fn parse(text: Option<&str>) -> Scopes {
    let words = text.unwrap_or_default().split(' ');
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The form on the wire.
pub fn join(scopes: &Scopes) -> String {
    scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// Rule: a request may narrow what is allowed, never widen it (RFC 6749 §3.3, §6).
pub fn narrow(asked: Option<&str>, allowed: &Scopes) -> Result<Scopes, OAuthError> {
    let asked = parse(asked);
    if asked.is_empty() {
        return Ok(allowed.clone());
    }
    match asked.iter().find(|scope| !allowed.contains(*scope)) {
        None => Ok(asked),
        Some(scope) => Err(OAuthError::new(
            ErrorCode::InvalidScope,
            format!("The scope '{scope}' is not among those that can be given here."),
        )),
    }
}

/// Whether a word can be a scope (RFC 6749 §3.3).
pub fn is_scope(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}
