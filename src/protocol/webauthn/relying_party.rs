//! The relying party that an issuer is (Web Authentication level 3 §5.1.2).

use url::Host;

use crate::model::Issuer;

/// The relying party that passkeys of an issuer are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelyingParty<'a> {
    /// The RP ID: the issuer's host, without its port. Tenants with one host share it.
    pub id: &'a str,
    /// The origin of its pages: scheme, host and port of the issuer.
    pub origin: &'a str,
}

impl<'a> RelyingParty<'a> {
    /// The relying party of an issuer. `None` where browsers have no passkeys: without https other than at
    /// `localhost`, and at an IP address, which is not a domain.
    pub fn of(issuer: &'a Issuer) -> Option<Self> {
        let host = issuer.host();
        let is_domain = matches!(Host::parse(host), Ok(Host::Domain(_)));
        let is_local = host == "localhost" || host.ends_with(".localhost");
        (is_domain && (issuer.is_https() || is_local))
            .then(|| Self { id: host, origin: issuer.origin() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_the_id_where_browsers_have_passkeys() {
        // Web Authentication level 3 §5.1.2
        for (issuer, expected) in [
            ("https://id.test/team", Some(("id.test", "https://id.test"))),
            ("https://id.test:8443", Some(("id.test", "https://id.test:8443"))),
            ("http://localhost:8080/a", Some(("localhost", "http://localhost:8080"))),
            ("http://id.localhost", Some(("id.localhost", "http://id.localhost"))),
            ("http://id.test", None),
            ("https://192.0.2.7", None),
            ("http://127.0.0.1:8080", None),
            ("https://[2001:db8::1]", None),
        ] {
            let issuer = Issuer::parse(issuer).unwrap_or_else(|_| panic!("{issuer}"));
            let found = RelyingParty::of(&issuer).map(|it| (it.id, it.origin));
            assert_eq!(found, expected, "{}", issuer.as_str());
        }
    }
}
