//! Redirect URIs, validated once and compared as strings (RFC 9700 §2.1).

use url::{Host, Url};

use super::{ApplicationType, issuer::is_loopback};

/// A registered redirect URI.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RedirectUri {
    text: Box<str>,
    /// For an http loopback URI of a native client: the text before and after the port.
    any_port: Option<Box<(String, String)>>,
}

/// The reason a URI cannot be registered. The message says how to fix it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// Not an absolute URI.
    #[error("must be an absolute URI, such as https://app.example.com/callback")]
    NotAUri,
    /// Has a fragment (RFC 6749 §3.1.2).
    #[error("must have no fragment (#)")]
    Fragment,
    /// A scheme that runs code or reads files.
    #[error("must not use the scheme {0:?}")]
    Scheme(String),
    /// http with a host other than loopback.
    #[error("must use https (http is allowed on localhost, 127.0.0.1 and [::1] only)")]
    Insecure,
    /// A custom scheme for a web client.
    #[error("must use https; custom schemes are for clients with applicationType: native")]
    CustomScheme,
    /// A custom scheme without a dot (RFC 8252 §7.1).
    #[error("must have a scheme in reverse domain form, such as com.example.app:/callback")]
    UnqualifiedScheme,
    /// Contains a user name or password.
    #[error("must have no user name or password before the host")]
    UserInfo,
    /// Browsers would correct the URI, in different ways, or its host contains more than a host
    /// name.
    #[error(
        "must be scheme, ://, a host of letters, digits, '.', '-' and '_', and a path without \\"
    )]
    Repaired,
    /// Contains white space, control characters, non-ASCII characters, or a wildcard in the host.
    #[error("must be plain ASCII without spaces, and without '*' in its host")]
    Characters,
}

/// Returns true if an http or https URI is valid under RFC 3986 §3 without correction, and its
/// authority is only a host and port. URL parsers may correct other URIs to different targets, and
/// a comma in the host would end a source in a Content Security Policy.
fn is_plain(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://").filter(|(scheme, _)| !scheme.contains(':')) else {
        return false;
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let in_host = |b: u8| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b);
    !authority.is_empty()
        && authority.bytes().all(in_host)
        && !rest.bytes().any(|b| b"\\<>\"^`{|}".contains(&b))
}

impl RedirectUri {
    /// Validates a URI for a client of the given type (OIDC Registration §2, RFC 8252 §7).
    pub fn parse(text: &str, application_type: ApplicationType) -> Result<Self, RedirectUriError> {
        if text.bytes().any(|b| !b.is_ascii_graphic()) {
            return Err(RedirectUriError::Characters);
        }
        let url = Url::parse(text).map_err(|_| RedirectUriError::NotAUri)?;
        if text.contains('#') {
            return Err(RedirectUriError::Fragment);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RedirectUriError::UserInfo);
        }
        if url.host_str().is_some_and(|host| host.contains('*')) {
            return Err(RedirectUriError::Characters);
        }
        if matches!(url.scheme(), "https" | "http") && !is_plain(text) {
            return Err(RedirectUriError::Repaired);
        }
        let mut any_port = None;
        match url.scheme() {
            "https" => {}
            "http" => {
                let host = url.host().ok_or(RedirectUriError::NotAUri)?;
                if !is_loopback(&host) {
                    return Err(RedirectUriError::Insecure);
                }
                if application_type == ApplicationType::Native {
                    any_port = split_at_port(text, &host).map(Box::new);
                }
            }
            scheme @ ("javascript" | "data" | "file" | "blob" | "vbscript" | "about") => {
                return Err(RedirectUriError::Scheme(scheme.to_owned()));
            }
            _ if application_type == ApplicationType::Web => {
                return Err(RedirectUriError::CustomScheme);
            }
            scheme if !scheme.contains('.') => return Err(RedirectUriError::UnqualifiedScheme),
            _ => {}
        }
        Ok(Self { text: text.into(), any_port })
    }

    /// The URI as registered.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host, if the URI has one.
    pub fn host(&self) -> Option<String> {
        Url::parse(&self.text).ok()?.host_str().map(str::to_owned)
    }

    /// The origin as browsers serialize it, if the URI has one.
    pub fn origin(&self) -> Option<String> {
        let origin = Url::parse(&self.text).ok()?.origin();
        origin.is_tuple().then(|| origin.ascii_serialization())
    }

    /// Compares with the URI of a request. The strings must be identical, but a native client's
    /// loopback URI matches any port (RFC 8252 §7.3).
    pub fn matches(&self, requested: &str) -> bool {
        if *self.text == *requested {
            return true;
        }
        let Some((before, after)) = self.any_port.as_deref() else { return false };
        let Some(middle) = requested
            .strip_prefix(before.as_str())
            .and_then(|rest| rest.strip_suffix(after.as_str()))
        else {
            return false;
        };
        middle.is_empty()
            || middle.strip_prefix(':').is_some_and(|port| {
                port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()
            })
    }
}

/// Splits an http URI on `host` into the text before and after its port.
fn split_at_port(text: &str, host: &Host<&str>) -> Option<(String, String)> {
    let before = format!("http://{host}");
    let rest = text.strip_prefix(&before)?;
    let after = match rest.strip_prefix(':') {
        Some(with_port) => with_port.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    // Without a delimiter, `http://localhost` would also be a prefix of `http://localhost.evil`.
    (after.is_empty() || after.starts_with(['/', '?'])).then(|| (before, after.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ApplicationType::{Native, Web};

    #[test]
    fn rejects_uris_that_browsers_would_correct() {
        // RFC 3986 §3
        for bad in [
            "https:rp.test/cb",
            "https:/rp.test/cb",
            r"https:\\rp.test/cb",
            r"https://rp.test\@evil.test/cb",
            "https://rp.test,default-src/cb",
            "https://rp.test;sandbox/cb",
            "https://rp%2etest/cb",
            "https://@rp.test/cb",
            "https://rp.test/<script>",
            r"http://127.0.0.1\.evil.test/cb",
        ] {
            let refused = RedirectUri::parse(bad, ApplicationType::Web);
            assert!(refused.is_err(), "{bad}");
        }
        for good in [
            "https://rp.test",
            "https://rp-1.example_a.test:8443/cb?a=b,c;d&e=%20(x)~!*'$",
            "http://[::1]:8080/cb",
            "HTTPS://rp.test/cb",
        ] {
            assert!(RedirectUri::parse(good, ApplicationType::Web).is_ok(), "{good}");
        }
    }

    #[test]
    fn compares_as_strings() {
        let uri = RedirectUri::parse("https://rp.test/cb", Web).expect("valid");
        assert!(uri.matches("https://rp.test/cb"));
        for other in [
            "https://rp.test/cb/",
            "https://RP.test/cb",
            "https://rp.test:443/cb",
            "https://rp.test/cb?x",
        ] {
            assert!(!uri.matches(other), "{other}");
        }
    }

    #[test]
    fn native_loopback_matches_any_port() {
        let uri = RedirectUri::parse("http://127.0.0.1/cb", Native).expect("valid");
        assert!(uri.matches("http://127.0.0.1:51004/cb"));
        assert!(uri.matches("http://127.0.0.1/cb"));
        for other in [
            "http://127.0.0.1:99999/cb",
            "http://127.0.0.1:80@evil.test/cb",
            "http://127.0.0.1:/x/cb",
            "http://127.0.0.1.evil.test/cb",
            "http://localhost:51004/cb",
            "https://127.0.0.1:51004/cb",
        ] {
            assert!(!uri.matches(other), "{other}");
        }
        let web = RedirectUri::parse("http://127.0.0.1/cb", Web).expect("valid");
        assert!(!web.matches("http://127.0.0.1:51004/cb"));
    }

    #[test]
    fn rejects_uris_that_cannot_be_registered() {
        for (text, kind, error) in [
            ("/cb", Web, RedirectUriError::NotAUri),
            ("https://rp.test/cb#x", Web, RedirectUriError::Fragment),
            ("https://rp.test/cb#", Web, RedirectUriError::Fragment),
            ("javascript:alert(1)", Native, RedirectUriError::Scheme("javascript".into())),
            ("http://rp.test/cb", Web, RedirectUriError::Insecure),
            ("http://rp.test/cb", Native, RedirectUriError::Insecure),
            ("com.example.app:/cb", Web, RedirectUriError::CustomScheme),
            ("myapp:/cb", Native, RedirectUriError::UnqualifiedScheme),
            ("https://u@rp.test/cb", Web, RedirectUriError::UserInfo),
            ("https://rp.test/c b", Web, RedirectUriError::Characters),
            ("https://*.rp.test/cb", Web, RedirectUriError::Characters),
        ] {
            assert_eq!(RedirectUri::parse(text, kind), Err(error), "{text}");
        }
    }
}
