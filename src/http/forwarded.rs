//! Who asks, and for which host: the connection's word, or a trusted proxy's.
//!
//! Headers of anyone else are ignored, or a client could choose its address and its tenant.

use std::net::IpAddr;

use http::{HeaderMap, Uri, header};
use ipnet::IpNet;

/// Addresses of proxies whose `Forwarded` and `X-Forwarded-*` headers count.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Proxies within these networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether an address is a proxy's.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client's address: of the chain that proxies wrote, the last that is none of theirs.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.contains(client) {
            return client;
        }
        for hop in chain(headers).into_iter().rev() {
            // What cannot be read was not written by a proxy that we know.
            let Some(address) = hop else { break };
            client = address;
            if !self.contains(client) {
                break;
            }
        }
        client
    }

    /// The authority that the client asked for: lower case, without a default port. `None` if the
    /// request names none, or two.
    pub(super) fn authority(&self, peer: IpAddr, uri: &Uri, headers: &HeaderMap) -> Option<String> {
        let mut https = None;
        if self.contains(peer) {
            https = single(headers, "x-forwarded-proto").map(|proto| proto == "https");
            if let Some(host) = single(headers, "x-forwarded-host") {
                return canonical(host.rsplit(',').next().unwrap_or_default().trim(), https);
            }
        }
        let text = match uri.authority() {
            Some(authority) => authority.as_str(),
            None => {
                let mut hosts = headers.get_all(header::HOST).iter();
                let host = hosts.next()?.to_str().ok()?;
                if hosts.next().is_some() {
                    return None;
                }
                host
            }
        };
        canonical(text, https)
    }
}

fn single<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Lower case; a default port is left out (443 and 80 both, where the scheme is not known: no issuer
/// names either).
fn canonical(text: &str, https: Option<bool>) -> Option<String> {
    if text.is_empty() || text.contains(['@', '/', ' ', ',']) {
        return None;
    }
    let text = text.to_ascii_lowercase();
    let bare = match https {
        Some(true) => text.strip_suffix(":443"),
        Some(false) => text.strip_suffix(":80"),
        None => text.strip_suffix(":443").or_else(|| text.strip_suffix(":80")),
    };
    Some(bare.map(str::to_owned).unwrap_or(text))
}

/// The addresses that proxies wrote, in the order written; `None` where one is none.
fn chain(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let values = |name: &str| -> Vec<String> {
        let all = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        all.flat_map(|value| value.split(',')).map(|part| part.trim().to_owned()).collect()
    };
    // Most proxies write this one and let the client's own `Forwarded` through.
    let usual = values("x-forwarded-for");
    let forwarded = values(header::FORWARDED.as_str());
    if usual.is_empty() && !forwarded.is_empty() {
        // RFC 7239 §4: elements of pairs; `for` holds the address.
        return forwarded
            .iter()
            .map(|element| {
                let value = element.split(';').find_map(|pair| {
                    let (name, value) = pair.split_once('=')?;
                    name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"'))
                });
                value.and_then(address)
            })
            .collect();
    }
    usual.iter().map(|text| address(text)).collect()
}

/// An address, perhaps with a port, IPv6 perhaps in brackets.
fn address(text: &str) -> Option<IpAddr> {
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split(']').next()?.parse().ok();
    }
    text.parse::<IpAddr>()
        .ok()
        .or_else(|| text.rsplit_once(':').and_then(|(host, _)| host.parse().ok()))
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies() -> TrustedProxies {
        TrustedProxies::new(vec!["10.0.0.0/8".parse().expect("a network")])
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), value.parse().expect("a value"))
        });
        pairs.collect()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn believes_nobody_but_its_proxies() {
        let headers = headers(&[
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-host", "evil.test"),
            ("host", "id.test"),
        ]);
        assert_eq!(proxies().client(ip("9.9.9.9"), &headers), ip("9.9.9.9"));
        let uri = Uri::from_static("/x");
        assert_eq!(proxies().authority(ip("9.9.9.9"), &uri, &headers).as_deref(), Some("id.test"));
        assert_eq!(
            proxies().authority(ip("10.0.0.1"), &uri, &headers).as_deref(),
            Some("evil.test")
        );
    }

    #[test]
    fn takes_the_last_address_that_is_no_proxys() {
        let chain = headers(&[("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.7")]);
        assert_eq!(proxies().client(ip("10.0.0.1"), &chain), ip("1.2.3.4"));
        let standard =
            headers(&[("forwarded", "for=6.6.6.6, For=\"[2001:db8::1]:99\";proto=https")]);
        assert_eq!(proxies().client(ip("10.0.0.1"), &standard), ip("2001:db8::1"));
        let garbage = headers(&[("x-forwarded-for", "6.6.6.6, unknown")]);
        assert_eq!(proxies().client(ip("10.0.0.1"), &garbage), ip("10.0.0.1"));
    }

    #[test]
    fn knows_a_host_in_its_one_form() {
        let host = |value: &str| {
            proxies().authority(ip("9.9.9.9"), &Uri::from_static("/"), &headers(&[("host", value)]))
        };
        assert_eq!(host("ID.test:443").as_deref(), Some("id.test"));
        assert_eq!(host("id.test:8443").as_deref(), Some("id.test:8443"));
        for wrong in ["", "a@b", "a/b", "a b"] {
            assert_eq!(host(wrong), None, "{wrong}");
        }
        let mut twice = headers(&[("host", "a.test")]);
        twice.append("host", "b.test".parse().expect("a value"));
        assert_eq!(proxies().authority(ip("9.9.9.9"), &Uri::from_static("/"), &twice), None);
    }
}
