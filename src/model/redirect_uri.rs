//! Redirect URIs, validated once and compared as strings (RFC 9700 §2.1).
//!
//! Must not decide who may use a scheme or an insecure host: that is the registry's.

use url::{Host, Url};

use super::{ApplicationType, issuer::is_loopback};

/// Schemes that run code or read files in the browser, or that no application receives.
pub const REFUSED_SCHEMES: [&str; 17] = [
    "javascript",
    "data",
    "file",
    "blob",
    "vbscript",
    "about",
    "filesystem",
    "view-source",
    "jar",
    "intent",
    "ws",
    "wss",
    "ftp",
    "mailto",
    "tel",
    "sms",
    "urn",
];

/// Message for a text that is not an origin.
pub const ORIGIN_MESSAGE: &str = "must be an origin as browsers send it: scheme, host and port in lower case, without a path, a final slash or the scheme's default port, such as https://app.example.com";

/// A registered redirect URI, which is valid.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RedirectUri {
    text: Box<str>,
    scheme: RedirectScheme,
    /// For an http loopback URI of a native client: the text before and after the port.
    any_port: Option<Box<(String, String)>>,
}

/// The scheme of a redirect URI, as far as it matters for who may have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RedirectScheme {
    /// https, with any host.
    Https,
    /// http on a loopback host, where the response does not leave the machine.
    LoopbackHttp,
    /// http on another host, where the response can be read on its way.
    InsecureHttp,
    /// The scheme of an application (RFC 8252 §7.1).
    Application,
}

/// The reason a URI cannot be registered. The message says how to fix it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// Not an absolute URI, or an http or https URI without a host.
    #[error("must be an absolute URI, such as https://app.example.com/callback")]
    NotAUri,
    /// Has a fragment (RFC 6749 §3.1.2).
    #[error("must have no fragment (#)")]
    Fragment,
    /// A scheme that runs code, reads files or reaches no application.
    #[error(
        "must not use the scheme {0:?}; use https, or the scheme that the application registers on the device"
    )]
    Scheme(String),
    /// Contains a user name or password.
    #[error("must have no user name or password before the host")]
    UserInfo,
    /// Browsers would correct the URI, in different ways, or its host contains more than a host
    /// name.
    #[error(
        "must be scheme, ://, a host of letters, digits, '.', '-' and '_', and a path without \\"
    )]
    Repaired,
    /// Contains white space, control characters or non-ASCII characters.
    #[error("must be plain ASCII without spaces")]
    Characters,
    /// Contains `*`. No URI is a pattern, because they are compared as strings (RFC 9700 §2.1).
    #[error("must not contain '*': URIs are compared as exact strings; list each one")]
    Wildcard,
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
        if text.contains('*') {
            return Err(RedirectUriError::Wildcard);
        }
        if REFUSED_SCHEMES.contains(&url.scheme()) {
            return Err(RedirectUriError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RedirectUriError::UserInfo);
        }
        if matches!(url.scheme(), "https" | "http") && !is_plain(text) {
            return Err(RedirectUriError::Repaired);
        }
        let host = url.host();
        let scheme = match (url.scheme(), &host) {
            ("https", Some(_)) => RedirectScheme::Https,
            ("http", Some(host)) if is_loopback(host) => RedirectScheme::LoopbackHttp,
            ("http", Some(_)) => RedirectScheme::InsecureHttp,
            ("https" | "http", None) => return Err(RedirectUriError::NotAUri),
            _ => RedirectScheme::Application,
        };
        let any_port = host
            .filter(|_| scheme == RedirectScheme::LoopbackHttp)
            .filter(|_| application_type == ApplicationType::Native)
            .and_then(|host| split_at_port(text, &host))
            .map(Box::new);
        Ok(Self { text: text.into(), scheme, any_port })
    }

    /// The URI exactly as registered.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The scheme, as far as it matters for who may have it.
    pub fn scheme(&self) -> RedirectScheme {
        self.scheme
    }

    /// The name of the scheme in lower case.
    pub fn scheme_name(&self) -> String {
        self.text.split(':').next().unwrap_or_default().to_ascii_lowercase()
    }

    /// The host of an http or https URI. After the scheme of an application it would be text that the
    /// application chooses.
    pub fn host(&self) -> Option<String> {
        if self.scheme == RedirectScheme::Application {
            return None;
        }
        Url::parse(&self.text).ok()?.host_str().map(str::to_owned)
    }

    /// Returns true if the host is `localhost` or a name below it, with http or https.
    pub fn is_localhost(&self) -> bool {
        self.host().is_some_and(|host| host == "localhost" || host.ends_with(".localhost"))
    }

    /// The origin as browsers serialize it, if the URI has one.
    pub fn origin(&self) -> Option<String> {
        let origin = Url::parse(&self.text).ok()?.origin();
        origin.is_tuple().then(|| origin.ascii_serialization())
    }

    /// Returns true if the text is an origin as browsers serialize it. Those of schemes of
    /// applications are the scheme and what follows it up to the path, as in
    /// `capacitor://localhost`.
    pub fn is_origin(&self) -> bool {
        if self.scheme != RedirectScheme::Application {
            return self.origin().as_deref() == Some(&*self.text);
        }
        let host = self.text.split_once("://").map(|(_, host)| host).unwrap_or_default();
        !host.is_empty()
            && !host.contains(['/', '?'])
            && !self.text.contains(|c: char| c.is_ascii_uppercase())
    }

    /// Compares with the URI of a request. The strings must be identical, with two exceptions. A native client's
    /// loopback URI matches any port (RFC 8252 §7.3). A URI without a path matches `/`, which URL libraries add
    /// (RFC 3986 §6.2.3).
    pub fn matches(&self, requested: &str) -> bool {
        if *self.text == *requested {
            return true;
        }
        let Some((before, after)) = self.any_port.as_deref() else { return false };
        let Some(rest) = requested.strip_prefix(before.as_str()) else { return false };
        let middle = match after.as_str() {
            "" | "/" => Some(without_slash(rest)),
            after => rest.strip_suffix(after),
        };
        middle.is_some_and(|middle| {
            middle.is_empty()
                || middle.strip_prefix(':').is_some_and(|port| {
                    port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()
                })
        })
    }

    /// Returns true if both URIs of requests match and differ at most in the slash of an empty
    /// path. Native clients may send one of them for a code and the other to redeem it.
    pub fn matches_both(&self, one: &str, other: &str) -> bool {
        self.matches(one) && self.matches(other) && without_slash(one) == without_slash(other)
    }
}

fn without_slash(uri: &str) -> &str {
    uri.strip_suffix('/').unwrap_or(uri)
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
            "https://rp-1.example_a.test:8443/cb?a=b,c;d&e=%20(x)~!%2A'$",
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
    fn a_native_loopback_uri_is_one_with_and_without_its_final_slash() {
        for host in ["localhost", "127.0.0.1", "[::1]", "app.localhost"] {
            for registered in [format!("http://{host}"), format!("http://{host}:7/")] {
                let uri = RedirectUri::parse(&registered, Native).expect("valid");
                for ending in ["", "/", ":51004", ":51004/"] {
                    assert!(uri.matches(&format!("http://{host}{ending}")), "{host}{ending}");
                }
                for other in ["//", "/x", "?x", ":x/", ":1/x", ".evil.test/", "@evil.test/"] {
                    assert!(!uri.matches(&format!("http://{host}{other}")), "{host}{other}");
                }
                assert!(!uri.matches(&format!("https://{host}/")));
            }
        }
        let uri = RedirectUri::parse("http://localhost", Native).expect("valid");
        assert!(uri.matches_both("http://localhost:7", "http://localhost:7/"));
        assert!(uri.matches_both("http://localhost/", "http://localhost/"));
        assert!(!uri.matches_both("http://localhost:7", "http://localhost:8/"));
        assert!(!uri.matches_both("http://localhost:7", "http://localhost:7//"));
        let web = RedirectUri::parse("http://localhost", Web).expect("valid");
        assert!(!web.matches("http://localhost/"));
        assert!(!web.matches_both("http://localhost", "http://localhost/"));
        let path = RedirectUri::parse("http://localhost/cb", Native).expect("valid");
        assert!(!path.matches("http://localhost/cb/"));
    }

    #[test]
    fn schemes_of_applications_are_taken_as_they_are() {
        for text in [
            "oc://android.opencloud.eu",
            "kitchenowl:/signin/redirect",
            "audiobookshelf://oauth",
            "cursor://anysphere.cursor-retrieval/oauth/callback",
            "app.immich:///oauth-callback",
            "com.example.app:/cb",
        ] {
            for kind in [Web, Native] {
                let uri = RedirectUri::parse(text, kind).expect(text);
                assert_eq!(uri.scheme(), RedirectScheme::Application, "{text}");
                assert_eq!(uri.host(), None, "{text}");
                assert!(uri.matches(text));
            }
        }
    }

    #[test]
    fn origins_are_recognised_as_browsers_write_them() {
        for good in [
            "https://app.example.com",
            "https://app.example.com:8443",
            "http://localhost:3000",
            "http://[::1]:3000",
            "capacitor://localhost",
            "chrome-extension://abcdefgh",
        ] {
            assert!(RedirectUri::parse(good, Web).expect(good).is_origin(), "{good}");
        }
        for bad in [
            "https://app.example.com/",
            "https://app.example.com/x",
            "https://App.example.com",
            "https://app.example.com:443",
            "http://localhost:80",
            "capacitor://localhost/",
            "capacitor://Localhost",
            "myapp:x",
            "myapp:/x",
        ] {
            assert!(!RedirectUri::parse(bad, Web).expect(bad).is_origin(), "{bad}");
        }
    }

    #[test]
    fn loopback_hosts_have_a_scheme_of_their_own() {
        for (text, scheme) in [
            ("https://localhost/cb", RedirectScheme::Https),
            ("http://localhost:3000/cb", RedirectScheme::LoopbackHttp),
            ("http://app.team.localhost/cb", RedirectScheme::LoopbackHttp),
            ("http://[::1]/cb", RedirectScheme::LoopbackHttp),
            ("http://127.0.0.2/cb", RedirectScheme::LoopbackHttp),
            ("HTTP://rp.test/cb", RedirectScheme::InsecureHttp),
            ("http://localhost.rp.test/cb", RedirectScheme::InsecureHttp),
            ("http://10.0.0.1/cb", RedirectScheme::InsecureHttp),
        ] {
            let uri = RedirectUri::parse(text, Web).expect(text);
            assert_eq!(uri.scheme(), scheme, "{text}");
        }
    }

    #[test]
    fn rejects_uris_that_cannot_be_registered() {
        for (text, kind, error) in [
            ("/cb", Web, RedirectUriError::NotAUri),
            ("https://rp.test/cb#x", Web, RedirectUriError::Fragment),
            ("https://rp.test/cb#", Web, RedirectUriError::Fragment),
            ("javascript:alert(1)", Native, RedirectUriError::Scheme("javascript".into())),
            ("https://u@rp.test/cb", Web, RedirectUriError::UserInfo),
            ("https://rp.test/c b", Web, RedirectUriError::Characters),
            ("https://*.rp.test/cb", Web, RedirectUriError::Wildcard),
            ("https://rp.test/*", Web, RedirectUriError::Wildcard),
            ("https://rp.test/cb?x=*", Web, RedirectUriError::Wildcard),
            ("myapp://*", Native, RedirectUriError::Wildcard),
            ("DATA:text/html,x", Native, RedirectUriError::Scheme("data".into())),
            (
                "view-source:https://rp.test/",
                Native,
                RedirectUriError::Scheme("view-source".into()),
            ),
            ("urn:ietf:wg:oauth:2.0:oob", Native, RedirectUriError::Scheme("urn".into())),
            ("myapp://me@x/cb", Native, RedirectUriError::UserInfo),
        ] {
            assert_eq!(RedirectUri::parse(text, kind), Err(error), "{text}");
        }
    }
}
