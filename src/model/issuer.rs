//! Issuer identifiers in canonical form (OIDC Discovery §3).

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::endpoints;

/// A canonical issuer: `https://host[:port][/path]`, or the same with http. Clones share the text,
/// because the issuer is part of every client's validation result. The registry decides who may use
/// http on hosts other than loopback.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Issuer {
    url: Arc<str>,
    authority_start: usize,
    path_start: usize,
}

/// The reason a string is not a canonical issuer. The message says how to fix it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// Not an absolute http or https URL with a host.
    #[error("must be an absolute URL, such as https://id.example.com/team")]
    NotAUrl,
    /// Has a query or a fragment.
    #[error("must have no query (?) and no fragment (#)")]
    QueryOrFragment,
    /// Has a user or password.
    #[error("must have no user name or password before the host")]
    UserInfo,
    /// The same issuer, but not in canonical form.
    #[error("must be written in its canonical form: {0}")]
    NotCanonical(String),
    /// The path contains percent-encoding or an empty segment.
    #[error("must have a path of plain segments: letters, digits, '-', '.', '_' and '~'")]
    Path,
    /// A path segment is the name of an endpoint.
    #[error("must not have the path segment {0:?}, which is the name of an endpoint")]
    Reserved(String),
}

impl Issuer {
    /// Parses a canonical issuer: an http or https URL without query, fragment, credentials and final slash.
    pub fn parse(text: &str) -> Result<Self, IssuerError> {
        let url = Url::parse(text).map_err(|_| IssuerError::NotAUrl)?;
        let Some(_) = url.host() else { return Err(IssuerError::NotAUrl) };
        match url.scheme() {
            "https" | "http" => {}
            _ => return Err(IssuerError::NotAUrl),
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(IssuerError::QueryOrFragment);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(IssuerError::UserInfo);
        }
        let canonical = url.as_str().trim_end_matches('/').to_owned();
        if canonical != text {
            return Err(IssuerError::NotCanonical(canonical));
        }
        let authority_start = url.scheme().len() + "://".len();
        let path_start = canonical[authority_start..]
            .find('/')
            .map_or(canonical.len(), |at| authority_start + at);
        for segment in canonical[path_start..].split('/').skip(1) {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
            if segment.is_empty() || !segment.chars().all(plain) {
                return Err(IssuerError::Path);
            }
            if endpoints::is_reserved(segment) {
                return Err(IssuerError::Reserved(segment.to_owned()));
            }
        }
        Ok(Self { url: canonical.into(), authority_start, path_start })
    }

    /// The issuer as in the `iss` claim.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// The host, and the port unless it is the scheme's default, as in a `Host` header.
    pub fn authority(&self) -> &str {
        &self.url[self.authority_start..self.path_start]
    }

    /// The host without its port.
    pub fn host(&self) -> &str {
        let authority = self.authority();
        match authority.rfind(':') {
            Some(at) if !authority.ends_with(']') => &authority[..at],
            _ => authority,
        }
    }

    /// The path: empty, or with a leading and without a trailing slash.
    pub fn path(&self) -> &str {
        &self.url[self.path_start..]
    }

    /// Scheme and authority, as in an `Origin` header.
    pub fn origin(&self) -> &str {
        &self.url[..self.path_start]
    }

    /// Returns true if the scheme is https, so cookies get the `Secure` attribute.
    pub fn is_https(&self) -> bool {
        self.url.starts_with("https:")
    }

    /// Returns true if the scheme is http and the host is not loopback, so that requests leave the
    /// machine unencrypted.
    pub fn is_insecure(&self) -> bool {
        !self.is_https() && !self.is_on_loopback()
    }

    /// Returns true if browsers may remember to use https only: the scheme is https, and the host is not loopback,
    /// which other programs serve too, by http.
    pub fn is_https_only(&self) -> bool {
        self.is_https() && !self.is_on_loopback()
    }

    fn is_on_loopback(&self) -> bool {
        let host = || Url::parse(&self.url).ok()?.host().as_ref().map(is_loopback);
        host() == Some(true)
    }

    /// Returns the URL of a path below the issuer. `path` starts with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

/// Returns true for loopback hosts. Plain http is safe there, because it does not leave the
/// machine.
pub(super) fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        // RFC 6761 §6.3: names below localhost are loopback too.
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl TryFrom<String> for Issuer {
    type Error = IssuerError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Issuer> for String {
    fn from(issuer: Issuer) -> Self {
        issuer.url.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_a_url_into_its_parts() {
        let issuer = Issuer::parse("https://id.example.com:8443/team/shop").expect("canonical");
        assert_eq!(issuer.authority(), "id.example.com:8443");
        assert_eq!(issuer.host(), "id.example.com");
        assert_eq!(issuer.path(), "/team/shop");
        assert_eq!(issuer.origin(), "https://id.example.com:8443");
        assert_eq!(
            issuer.join("/oauth/token"),
            "https://id.example.com:8443/team/shop/oauth/token"
        );
        let v6 = Issuer::parse("http://[::1]:8080").expect("canonical");
        assert_eq!((v6.host(), v6.path()), ("[::1]", ""));
    }

    #[test]
    fn accepts_only_the_canonical_form() {
        for (text, error) in [
            ("nonsense", IssuerError::NotAUrl),
            ("ftp://a.test", IssuerError::NotAUrl),
            ("http://A.test", IssuerError::NotCanonical("http://a.test".into())),
            ("https://a.test?x=1", IssuerError::QueryOrFragment),
            ("https://a.test#x", IssuerError::QueryOrFragment),
            ("https://me@a.test", IssuerError::UserInfo),
            ("https://A.test", IssuerError::NotCanonical("https://a.test".into())),
            ("https://a.test:443/x", IssuerError::NotCanonical("https://a.test/x".into())),
            ("https://a.test/x/", IssuerError::NotCanonical("https://a.test/x".into())),
            ("https://a.test/", IssuerError::NotCanonical("https://a.test".into())),
            ("https://a.test/b/../c", IssuerError::NotCanonical("https://a.test/c".into())),
            ("https://a.test/%41", IssuerError::Path),
            ("https://a.test/x//y", IssuerError::Path),
            ("https://a.test/oauth", IssuerError::Reserved("oauth".into())),
            ("https://a.test/x/.well-known/y", IssuerError::Reserved(".well-known".into())),
        ] {
            assert_eq!(Issuer::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn http_is_insecure_except_on_loopback_hosts() {
        for secure in [
            "https://a.test",
            "http://localhost:8080/x",
            "http://id.team.localhost",
            "http://127.0.0.1",
            "http://127.9.9.9:1",
            "http://[::1]:8080",
        ] {
            assert!(!Issuer::parse(secure).expect("canonical").is_insecure(), "{secure}");
        }
        for insecure in [
            "http://a.test",
            "http://localhost.evil.test",
            "http://evillocalhost",
            "http://10.0.0.1:8080/x",
            "http://127.0.0.1.evil.test",
            "http://[::2]",
        ] {
            assert!(Issuer::parse(insecure).expect("canonical").is_insecure(), "{insecure}");
        }
    }

    #[test]
    fn loopback_hosts_are_not_https_only() {
        for (issuer, expected) in [
            ("https://a.test:8443/x", true),
            ("https://localhost.evil.test", true),
            ("http://a.test", false),
            ("https://localhost:8443", false),
            ("https://id.team.localhost/x", false),
            ("https://127.0.0.1", false),
            ("https://[::1]:8443", false),
        ] {
            let found = Issuer::parse(issuer).expect("canonical").is_https_only();
            assert_eq!(found, expected, "{issuer}");
        }
    }
}
