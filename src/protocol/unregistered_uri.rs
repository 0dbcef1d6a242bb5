//! The error for a URI that is not registered. It names the nearest registered one and how the two
//! differ, for the developer of the application.

use std::fmt;

use url::Url;

use super::error::{ErrorCode, OAuthError};
use crate::model::{Client, RedirectUri};

/// Returns the error for the value of a parameter that is not one of the client's registered URIs.
/// The requested URI is not repeated in the description, so that a link cannot put text into a page.
pub(super) fn unregistered_uri(
    client: &Client,
    (parameter, requested): (&str, &str),
    (field, registered): (&str, &[RedirectUri]),
) -> OAuthError {
    let text = match nearest(registered, requested) {
        Some((nearest, difference)) => format!(
            "The {parameter} is not registered for this application. It differs in {difference} from the nearest registered one, '{nearest}'. It must be identical to an entry of {field}."
        ),
        None => format!(
            "The {parameter} is not registered for this application, and no registered one has its host. It must be identical to an entry of {field}."
        ),
    };
    let registered: Vec<&str> = registered.iter().map(RedirectUri::as_str).collect();
    let error = OAuthError::new(ErrorCode::InvalidRequest, text);
    error.mismatch(client, requested, &registered.join(" "))
}

/// A part in which two URIs of one host differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    Scheme,
    LetterCase,
    Port,
    FinalSlash,
    Query,
    Path,
    Spelling,
}

impl Difference {
    /// The weight of a difference: the nearest URI has the smallest sum.
    const fn weight(self) -> u32 {
        match self {
            Self::Scheme | Self::LetterCase | Self::Port | Self::FinalSlash | Self::Spelling => 1,
            Self::Query => 3,
            Self::Path => 10,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "the scheme",
            Self::LetterCase => "upper and lower case letters",
            Self::Port => "the port",
            Self::FinalSlash => "the slash at the end",
            Self::Query => "the query",
            Self::Path => "the path",
            Self::Spelling => "the spelling",
        })
    }
}

/// Returns the registered URI of the same host that differs least, and the differences in words.
fn nearest<'a>(registered: &'a [RedirectUri], requested: &str) -> Option<(&'a str, String)> {
    let wanted = Url::parse(requested).ok()?;
    let of_host = registered.iter().filter_map(|uri| {
        let url = Url::parse(uri.as_str()).ok()?;
        let found = differences((uri.as_str(), &url), (requested, &wanted))?;
        Some((uri.as_str(), found))
    });
    let (uri, found) =
        of_host.min_by_key(|(_, found)| found.iter().map(|it| it.weight()).sum::<u32>())?;
    let words: Vec<String> = found.iter().map(ToString::to_string).collect();
    Some((uri, words.join(" and ")))
}

/// The differences of two URIs; `None` if their hosts differ. A URI without a host belongs to its
/// scheme.
fn differences(
    (registered_text, registered): (&str, &Url),
    (requested_text, requested): (&str, &Url),
) -> Option<Vec<Difference>> {
    match (registered.host_str(), requested.host_str()) {
        (Some(one), Some(other)) if one.eq_ignore_ascii_case(other) => {}
        (None, None) if registered.scheme() == requested.scheme() => {}
        _ => return None,
    }
    let mut found = Vec::new();
    if registered.scheme() != requested.scheme() {
        found.push(Difference::Scheme);
    }
    if registered.port() != requested.port() {
        found.push(Difference::Port);
    }
    let trimmed = |url: &Url| url.path().trim_end_matches('/').to_owned();
    let (one, other) = (trimmed(registered), trimmed(requested));
    if one.eq_ignore_ascii_case(&other) {
        if one != other {
            found.push(Difference::LetterCase);
        }
        // A parser adds the slash of an empty path, so the texts are compared.
        if ends_with_slash(registered_text) != ends_with_slash(requested_text) {
            found.push(Difference::FinalSlash);
        }
    } else {
        found.push(Difference::Path);
    }
    if registered.query() != requested.query() {
        found.push(Difference::Query);
    }
    if found.is_empty() && registered_text.eq_ignore_ascii_case(requested_text) {
        found.push(Difference::LetterCase);
    }
    if found.is_empty() && registered.port_or_known_default().is_some() {
        // Such as `:443`, which a parser drops.
        let has_port = |text: &str| {
            let authority = text.split("://").nth(1).unwrap_or_default();
            let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
            authority.trim_end_matches(|c: char| c.is_ascii_digit()).ends_with(':')
        };
        if has_port(registered_text) != has_port(requested_text) {
            found.push(Difference::Port);
        }
    }
    if found.is_empty() {
        found.push(Difference::Spelling);
    }
    Some(found)
}

fn ends_with_slash(text: &str) -> bool {
    text.split(['?', '#']).next().unwrap_or_default().ends_with('/')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::ApplicationType;

    fn registered(texts: &[&str]) -> Vec<RedirectUri> {
        let uri = |text: &&str| RedirectUri::parse(text, ApplicationType::Native).expect("valid");
        texts.iter().map(uri).collect()
    }

    #[test]
    fn names_the_difference() {
        for (own, requested, difference) in [
            ("https://rp.test/cb", "https://rp.test/cb/", "the slash at the end"),
            ("https://rp.test/", "https://rp.test", "the slash at the end"),
            ("http://127.0.0.1:3000/cb", "https://127.0.0.1:3000/cb", "the scheme"),
            ("https://rp.test/cb", "https://rp.test:8443/cb", "the port"),
            ("https://rp.test/cb", "https://rp.test:443/cb", "the port"),
            (
                "https://rp.test/Callback",
                "https://rp.test/callback",
                "upper and lower case letters",
            ),
            ("https://rp.test/cb", "https://RP.test/cb", "upper and lower case letters"),
            ("https://rp.test/cb", "https://rp.test/login", "the path"),
            ("https://rp.test/cb", "https://rp.test/cb?a=1", "the query"),
            ("https://rp.test/cb", "https://rp.test/x/../cb", "the spelling"),
            ("https://rp.test/cb", "http://rp.test:80/cb/", "the scheme and the slash at the end"),
            ("com.example.app:/cb", "com.example.app:/cb/", "the slash at the end"),
        ] {
            let own = registered(&[own]);
            let (_, said) = nearest(&own, requested).expect(requested);
            assert_eq!(said, difference, "{requested}");
        }
    }

    #[test]
    fn the_nearest_of_the_same_host_is_named() {
        let own = registered(&[
            "https://other.test/cb",
            "https://rp.test/logged-in",
            "https://rp.test/cb",
            "https://rp.test/cb?a=1",
        ]);
        let (uri, _) = nearest(&own, "https://rp.test/cb/").expect("one of the host");
        assert_eq!(uri, "https://rp.test/cb");
        assert_eq!(nearest(&own, "https://evil.test/cb"), None);
        assert_eq!(nearest(&own, "com.example.app:/cb"), None);
        assert_eq!(nearest(&own, "no URI"), None);
    }

    proptest! {
        #[test]
        fn comparing_any_text_never_panics(text in ".{0,80}", path in "[/?#:a-zA-Z0-9é%.]{0,40}") {
            let own = registered(&["https://rp.test/cb", "com.example.app:/cb"]);
            let _ = nearest(&own, &text);
            let _ = nearest(&own, &format!("https://rp.test{path}"));
        }
    }
}
