//! The addresses at which clients present certificates (RFC 8705 §5).

use url::Url;

use super::Issuer;

/// The place of an issuer's host.
const PLACEHOLDER: &str = "{host}";

/// The origin of the endpoints that ask for certificates, for each host of issuers: `https://mtls.{host}`, or
/// `https://{host}:8443`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MutualTlsUrl {
    prefix: Box<str>,
    suffix: Box<str>,
}

impl MutualTlsUrl {
    /// Parses an https URL with the placeholder `{host}` in its host, and without a path.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_end_matches('/').to_ascii_lowercase();
        let (prefix, suffix) = text.strip_prefix("https://")?.split_once(PLACEHOLDER)?;
        let example = format!("https://{prefix}id.example{suffix}");
        let url = Url::parse(&example).ok()?;
        let is_origin = url.origin().ascii_serialization() == example.trim_end_matches(":443")
            && !suffix.contains(PLACEHOLDER);
        let suffix = suffix.trim_end_matches(":443");
        is_origin.then(|| Self { prefix: prefix.into(), suffix: suffix.into() })
    }

    /// Returns true if the host of an authority has the form of these addresses. If they differ from issuers only in
    /// the port, the port must be equal too.
    pub fn is_at(&self, authority: &str) -> bool {
        let (suffix, port) = self.suffix.split_once(':').unwrap_or((&self.suffix, ""));
        if self.prefix.is_empty() && suffix.is_empty() {
            return !port.is_empty() && authority.ends_with(&*self.suffix);
        }
        let host = match authority.rsplit_once(':') {
            Some((host, _)) if !authority.ends_with(']') => host,
            _ => authority,
        };
        let rest = host.strip_prefix(&*self.prefix).and_then(|rest| rest.strip_suffix(suffix));
        rest.is_some_and(|rest| !rest.is_empty())
    }

    /// The counterpart of an issuer, to which the paths of endpoints are appended.
    pub fn of_issuer(&self, issuer: &Issuer) -> String {
        format!("https://{}{}{}{}", self.prefix, issuer.host(), self.suffix, issuer.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_host_of_the_issuer() {
        let of = |template: &str, issuer: &str| {
            let url = MutualTlsUrl::parse(template).expect(template);
            url.of_issuer(&Issuer::parse(issuer).expect("canonical"))
        };
        let issuer = "https://id.example.com/acme/main";
        assert_eq!(of("https://mtls.{host}", issuer), "https://mtls.id.example.com/acme/main");
        assert_eq!(of("https://{host}:8443/", issuer), "https://id.example.com:8443/acme/main");
        assert_eq!(of("https://m-{host}:443", "https://a.test"), "https://m-a.test");
        assert_eq!(of("https://{host}:8443", "http://localhost:8080"), "https://localhost:8443");
    }

    #[test]
    fn knows_its_addresses() {
        for (template, authority, expected) in [
            ("https://mtls.{host}", "mtls.a.test", true),
            ("https://mtls.{host}", "mtls.a.test:9443", true),
            ("https://mtls.{host}", "a.test", false),
            ("https://mtls.{host}", "mtls.", false),
            ("https://{host}.mtls.test:8443", "a.mtls.test", true),
            ("https://{host}:8443", "a.test:8443", true),
            ("https://{host}:8443", "a.test", false),
            ("https://{host}:8443", "a.test:443", false),
            ("https://{host}:8443", "[::1]", false),
        ] {
            let url = MutualTlsUrl::parse(template).expect(template);
            assert_eq!(url.is_at(authority), expected, "{template} {authority}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for wrong in [
            "",
            "https://mtls.example.com",
            "http://{host}",
            "https://{host}/path",
            "https://{host}?x",
            "https://a.test/{host}",
            "https://u@{host}",
            "https://{host}.{host}",
            "https://{host}:99999",
        ] {
            assert_eq!(MutualTlsUrl::parse(wrong), None, "{wrong}");
        }
    }
}
