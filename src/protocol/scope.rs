//! Scopes: space-separated words (RFC 6749 §3.3).

use std::collections::BTreeSet;

use super::error::{ErrorCode, OAuthError};
use crate::model::Client;

/// Scopes by name, such as `openid`, each once (RFC 6749 §3.3).
pub type Scopes = BTreeSet<String>;

/// The scopes that every tenant supports.
pub const STANDARD_SCOPES: [&str; 8] =
    ["openid", "profile", "email", "address", "phone", "offline_access", "groups", "tenant"];

/// Longer words are not repeated in errors.
const MAX_ECHOED_LEN: usize = 64;

/// Parses a `scope` parameter. Returns an empty set for a request without one.
pub fn parse_scopes(text: Option<&str>) -> Scopes {
    let words = text.unwrap_or_default().split(' ');
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Joins scopes for the wire.
pub fn join_scopes(scopes: &Scopes) -> String {
    scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// Rule: selects the scopes to grant, at every endpoint (RFC 6749 §3.3, §6). Scopes that are not
/// allowed are left out, because applications send the same list to many providers; `scope` of the
/// response contains the granted ones. It is an error if nothing is left. A request without scopes
/// gets `default`.
pub fn select_scopes(
    asked: Option<&str>,
    allowed: &Scopes,
    default: impl FnOnce() -> Scopes,
) -> Result<Scopes, OAuthError> {
    let asked = parse_scopes(asked);
    if asked.is_empty() {
        return Ok(default());
    }
    let selected: Scopes = asked.intersection(allowed).cloned().collect();
    if selected.is_empty() { Err(refused(&asked, allowed)) } else { Ok(selected) }
}

/// Returns the scopes of a request without `scope`. They are the client's scopes except those of user sign-ins,
/// which an application must ask for.
pub fn default_request_scopes(client: &Client) -> Scopes {
    let mut scopes = Scopes::clone(&client.scopes);
    scopes.retain(|scope| scope != "openid" && scope != "offline_access");
    scopes
}

/// Returns the error for a request of which no scope is allowed.
fn refused(asked: &Scopes, allowed: &Scopes) -> OAuthError {
    let found = match asked.iter().find(|scope| is_plain(scope)) {
        Some(scope) if asked.len() > 1 => {
            format!("None of the requested scopes is allowed, for example not '{scope}'.")
        }
        Some(scope) => format!("The scope '{scope}' is not allowed."),
        None => "The parameter 'scope' contains no scope that is allowed.".to_owned(),
    };
    let expected = if allowed.is_empty() { "none".to_owned() } else { join_scopes(allowed) };
    OAuthError::new(ErrorCode::InvalidScope, format!("{found} Allowed scopes: {expected}."))
}

/// Adds the requested and the allowed scopes to an error of [`select_scopes`], for the log.
pub fn with_scope_mismatch(
    error: OAuthError,
    client: &Client,
    asked: Option<&str>,
    allowed: &Scopes,
) -> OAuthError {
    let mut asked = parse_scopes(asked);
    asked.retain(|word| is_plain(word));
    error.mismatch(client, &join_scopes(&asked), &join_scopes(allowed))
}

/// Returns true for words that may be repeated in errors. A word that cannot be a scope might be a
/// misplaced secret.
fn is_plain(word: &str) -> bool {
    is_scope(word) && word.len() <= MAX_ECHOED_LEN
}

/// Returns true if a word can be a scope (RFC 6749 §3.3).
pub fn is_scope(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn selected(asked: Option<&str>) -> Result<Scopes, OAuthError> {
        let allowed = parse_scopes(Some("openid email groups"));
        select_scopes(asked, &allowed, || parse_scopes(Some("email")))
    }

    #[test]
    fn scopes_that_are_not_allowed_are_left_out() {
        // RFC 6749 §3.3
        assert_eq!(selected(Some("email  email")), Ok(parse_scopes(Some("email"))));
        assert_eq!(selected(Some("email phone x")), Ok(parse_scopes(Some("email"))));
        assert_eq!(selected(None), Ok(parse_scopes(Some("email"))), "the default");
        assert_eq!(selected(Some(" ")), Ok(parse_scopes(Some("email"))), "the default");
    }

    #[test]
    fn it_is_an_error_if_nothing_is_left() {
        // RFC 6749 §3.3
        for (asked, told) in [("phone", "The scope 'phone' is"), ("phone x", "not 'phone'.")] {
            let refused = selected(Some(asked)).expect_err("refused");
            assert_eq!(refused.code, ErrorCode::InvalidScope);
            assert!(refused.public.contains(told), "{}", refused.public);
            assert!(refused.public.ends_with(" email groups openid."), "{}", refused.public);
        }
        let nothing = select_scopes(Some("a"), &Scopes::new(), Scopes::new).expect_err("refused");
        assert!(nothing.public.ends_with("Allowed scopes: none."), "{}", nothing.public);
    }

    #[test]
    fn the_default_has_no_scope_of_a_sign_in() {
        let client = crate::model::fixtures::client();
        assert_eq!(default_request_scopes(&client), parse_scopes(Some("profile email badges")));
    }

    #[test]
    fn errors_do_not_repeat_words_that_may_be_secrets() {
        let long = "s".repeat(65);
        for word in [long.as_str(), "\u{e9}"] {
            let refused = selected(Some(word)).expect_err("refused");
            assert!(!refused.public.contains(word), "{}", refused.public);
        }
    }

    proptest! {
        #[test]
        fn joining_reverses_parsing(text in "[ -~]{0,80}") {
            let scopes = parse_scopes(Some(&text));
            prop_assert_eq!(parse_scopes(Some(&join_scopes(&scopes))), scopes);
        }
    }
}
