//! Scopes: space-separated words (RFC 6749 §3.3).

use std::collections::BTreeSet;

use super::error::{ErrorCode, OAuthError};

/// A set of scopes.
pub type Scopes = BTreeSet<String>;

/// The scopes that every tenant supports.
pub const STANDARD_SCOPES: [&str; 8] =
    ["openid", "profile", "email", "address", "phone", "offline_access", "groups", "tenant"];

/// Longer words are not repeated in errors.
const MAX_ECHOED_LEN: usize = 64;

/// Parses a `scope` parameter. Returns an empty set if there is none.
pub fn parse(text: Option<&str>) -> Scopes {
    let words = text.unwrap_or_default().split(' ');
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Joins scopes for the wire.
pub fn join(scopes: &Scopes) -> String {
    scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// Rule: a request may narrow the allowed scopes but not widen them (RFC 6749 §3.3, §6).
pub fn narrow(asked: Option<&str>, allowed: Scopes) -> Result<Scopes, OAuthError> {
    let asked = parse(asked);
    if asked.is_empty() {
        return Ok(allowed);
    }
    match asked.iter().find(|scope| !allowed.contains(*scope)) {
        None => Ok(asked),
        // Don't repeat a word that cannot be a scope: it might be a misplaced secret.
        Some(scope) if !is_scope(scope) || scope.len() > MAX_ECHOED_LEN => Err(OAuthError::new(
            ErrorCode::InvalidScope,
            "The parameter 'scope' contains a value that is not a scope.",
        )),
        Some(scope) => Err(OAuthError::new(
            ErrorCode::InvalidScope,
            format!("The scope '{scope}' cannot be granted."),
        )),
    }
}

/// Returns true if a word can be a scope (RFC 6749 §3.3).
pub fn is_scope(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_request_narrows_and_never_widens() {
        // RFC 6749 §3.3
        let allowed = parse(Some("openid email"));
        assert_eq!(narrow(None, allowed.clone()), Ok(allowed.clone()));
        assert_eq!(narrow(Some(" "), allowed.clone()), Ok(allowed.clone()));
        assert_eq!(narrow(Some("email  email"), allowed.clone()), Ok(parse(Some("email"))));
        let refused = narrow(Some("email groups"), allowed).expect_err("refused");
        assert_eq!(refused.code, ErrorCode::InvalidScope);
        assert!(refused.public.contains("'groups'"), "{}", refused.public);
    }

    #[test]
    fn errors_do_not_repeat_words_that_may_be_secrets() {
        let long = "s".repeat(65);
        for word in [long.as_str(), "\u{e9}"] {
            let refused = narrow(Some(word), Scopes::new()).expect_err("refused");
            assert!(!refused.public.contains(word), "{}", refused.public);
        }
    }

    proptest! {
        #[test]
        fn joining_reverses_parsing(text in "[ -~]{0,80}") {
            let scopes = parse(Some(&text));
            prop_assert_eq!(parse(Some(&join(&scopes))), scopes);
        }
    }
}
