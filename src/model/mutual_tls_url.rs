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
