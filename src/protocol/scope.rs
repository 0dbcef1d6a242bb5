//! Scopes: space-separated words (RFC 6749 §3.3).

use std::collections::BTreeSet;

use super::error::{ErrorCode, OAuthError};

/// A set of scopes.
pub type Scopes = BTreeSet<String>;

/// The scopes that every tenant knows.
pub const STANDARD_SCOPES: [&str; 8] =
    ["openid", "profile", "email", "address", "phone", "offline_access", "groups", "tenant"];

/// The longest word that an error repeats.
const MAX_ECHOED_LEN: usize = 64;

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
        // A word that cannot be a scope might be anything, a misplaced secret even: not repeated.
        Some(scope) if !is_scope(scope) || scope.len() > MAX_ECHOED_LEN => {
            Err(OAuthError::new(ErrorCode::InvalidScope, "The parameter 'scope' holds no scopes."))
        }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_request_narrows_and_never_widens() {
        // RFC 6749 §3.3
        let allowed = parse(Some("openid email"));
        assert_eq!(narrow(None, &allowed), Ok(allowed.clone()));
        assert_eq!(narrow(Some(" "), &allowed), Ok(allowed.clone()));
        assert_eq!(narrow(Some("email  email"), &allowed), Ok(parse(Some("email"))));
        let refused = narrow(Some("email groups"), &allowed).expect_err("refused");
        assert_eq!(refused.code, ErrorCode::InvalidScope);
        assert!(refused.public.contains("'groups'"), "{}", refused.public);
    }

    #[test]
    fn repeats_nothing_that_may_be_a_misplaced_secret() {
        let long = "s".repeat(65);
        for word in [long.as_str(), "\u{e9}"] {
            let refused = narrow(Some(word), &Scopes::new()).expect_err("refused");
            assert!(!refused.public.contains(word), "{}", refused.public);
        }
    }

    proptest! {
        #[test]
        fn joins_what_it_parsed(text in "[ -~]{0,80}") {
            let scopes = parse(Some(&text));
            prop_assert_eq!(parse(Some(&join(&scopes))), scopes);
        }
    }
}
