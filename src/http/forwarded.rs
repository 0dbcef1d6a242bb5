//! Who asks, and for which host: the connection's word, or a trusted proxy's.
//!
//! Headers of anyone else are ignored, or a client could choose its address and its tenant. A proxy
//! writes one family of headers and lets a client's own of the other family pass, so only the one
//! that the operator names counts.

use std::net::IpAddr;

use http::{HeaderMap, Uri, header};
use ipnet::IpNet;

/// The headers by which proxies tell of clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeaders {
    /// `X-Forwarded-For`, `-Host` and `-Proto`.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Standard,
}

/// Proxies that are believed, and what they write.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    headers: ForwardedHeaders,
}

/// What one proxy says of a request that it passed on.
#[derive(Debug, Default)]
struct Hop {
    /// Who connected to it; none where it cannot be read, which no proxy that we know writes.
    client: Option<IpAddr>,
    host: Option<String>,
    proto: Option<String>,
}

/// What is believed of a request.
#[derive(Debug)]
struct Told {
    client: IpAddr,
    host: Option<String>,
    https: Option<bool>,
}

impl TrustedProxies {
    /// Proxies within these networks, which write these headers.
    pub fn new(networks: Vec<IpNet>, headers: ForwardedHeaders) -> Self {
        Self { networks, headers }
    }

    /// Whether an address is a proxy's.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// The client's address: of the chain that proxies wrote, the last that is none of theirs.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        self.told(peer, headers).client
    }

    /// The authority that the client asked for: lower case, without a default port. `None` if the
    /// request names none, or two.
    pub(super) fn authority(&self, peer: IpAddr, uri: &Uri, headers: &HeaderMap) -> Option<String> {
        let told = self.told(peer, headers);
        if let Some(host) = told.host {
            return canonical(&host, told.https);
        }
        // Two are refused whatever they say (RFC 9112 §3.2).
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next();
        if hosts.next().is_some() {
            return None;
        }
        match uri.authority() {
            Some(authority) => canonical(authority.as_str(), told.https),
            None => canonical(host?.to_str().ok()?, told.https),
        }
    }

    /// What proxies say, each believed as long as the one that passed it on is one of ours.
    fn told(&self, peer: IpAddr, headers: &HeaderMap) -> Told {
        let mut told = Told { client: peer.to_canonical(), host: None, https: None };
        if !self.contains(told.client) {
            return told;
        }
        let hops = match self.headers {
            ForwardedHeaders::XForwarded => x_forwarded(headers),
            ForwardedHeaders::Standard => standard(headers),
        };
        for hop in hops.into_iter().rev() {
            // The outermost of ours knows best what was asked for.
            told.host = hop.host.or(told.host);
            told.https = hop.proto.map(|it| it.eq_ignore_ascii_case("https")).or(told.https);
            let Some(client) = hop.client else { break };
            told.client = client;
            if !self.contains(client) {
                break;
            }
        }
        told
    }
}

/// All values of a header that is a list, in the order written.
fn list<'h>(headers: &'h HeaderMap, name: &str) -> Vec<&'h str> {
    let all = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
    all.flat_map(|value| value.split(',')).map(str::trim).collect()
}

/// The hops of `X-Forwarded-*`. Host and scheme are the last ones written, by the proxy that
/// connects to us: it replaces what a client sent, or appends to it.
fn x_forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let last = |name: &str| list(headers, name).pop().map(str::to_owned);
    let clients = list(headers, "x-forwarded-for").into_iter();
    let mut hops: Vec<Hop> =
        clients.map(|text| Hop { client: address(text), ..Hop::default() }).collect();
    if hops.is_empty() {
        hops.push(Hop::default());
    }
    if let Some(nearest) = hops.last_mut() {
        nearest.host = last("x-forwarded-host");
        nearest.proto = last("x-forwarded-proto");
    }
    hops
}

/// The hops of `Forwarded` (RFC 7239 §4), each with what its proxy says. Elements are split at every
/// comma, quoted or not: no address or host has one, and a quote that a client left open must not
/// swallow what a proxy appended.
fn standard(headers: &HeaderMap) -> Vec<Hop> {
    let elements = list(headers, header::FORWARDED.as_str()).into_iter();
    let hop = |element: &str| {
        let mut hop = Hop::default();
        for (name, value) in element.split(';').filter_map(|pair| pair.split_once('=')) {
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "for" => hop.client = address(value),
                "host" => hop.host = Some(value.to_owned()),
                "proto" => hop.proto = Some(value.to_owned()),
                _ => {}
            }
        }
        hop
    };
    elements.map(hop).collect()
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

/// An address, perhaps with a port, IPv6 perhaps in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let address: Option<IpAddr> = match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next().and_then(|address| address.parse().ok()),
        None => text
            .parse()
            .ok()
            .or_else(|| text.rsplit_once(':').and_then(|(host, _)| host.parse().ok())),
    };
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies() -> TrustedProxies {
        writing(ForwardedHeaders::XForwarded)
    }

    fn writing(headers: ForwardedHeaders) -> TrustedProxies {
        TrustedProxies::new(vec!["10.0.0.0/8".parse().expect("a network")], headers)
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), value.parse().expect("a value"))
        });
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value);
        }
        headers
    }

    /// The host that is asked for, as the proxy tells it.
    fn told_host(family: ForwardedHeaders, pairs: &[(&'static str, &str)]) -> Option<String> {
        writing(family).authority(ip("10.0.0.1"), &Uri::from_static("/"), &headers(pairs))
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
        let lines = headers(&[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "1.2.3.4")]);
        assert_eq!(proxies().client(ip("10.0.0.1"), &lines), ip("1.2.3.4"));
        let mapped =
            headers(&[("x-forwarded-for", "6.6.6.6, [::ffff:1.2.3.4]:80, ::ffff:10.1.1.1")]);
        assert_eq!(proxies().client(ip("10.0.0.1"), &mapped), ip("1.2.3.4"));
        let standard =
            headers(&[("forwarded", "for=6.6.6.6, For=\"[2001:db8::1]:99\";proto=https")]);
        let proxies_of_rfc_7239 = writing(ForwardedHeaders::Standard);
        assert_eq!(proxies_of_rfc_7239.client(ip("10.0.0.1"), &standard), ip("2001:db8::1"));
        let garbage = headers(&[("x-forwarded-for", "6.6.6.6, unknown")]);
        assert_eq!(proxies().client(ip("10.0.0.1"), &garbage), ip("10.0.0.1"));
    }

    #[test]
    fn believes_only_the_family_that_its_proxies_write() {
        // The other one is the client's own, which the proxy lets through.
        let both = headers(&[("x-forwarded-for", "6.6.6.6"), ("forwarded", "for=1.2.3.4")]);
        assert_eq!(proxies().client(ip("10.0.0.1"), &both), ip("6.6.6.6"));
        let standard = writing(ForwardedHeaders::Standard);
        assert_eq!(standard.client(ip("10.0.0.1"), &both), ip("1.2.3.4"));
        for (family, of_the_other) in [
            (ForwardedHeaders::Standard, ("x-forwarded-host", "evil.test")),
            (ForwardedHeaders::XForwarded, ("forwarded", "for=1.2.3.4;host=evil.test")),
        ] {
            let host = told_host(family, &[of_the_other, ("host", "id.test")]);
            assert_eq!(host.as_deref(), Some("id.test"), "{family:?}");
        }
    }

    #[test]
    fn a_client_before_a_proxy_that_appends_does_not_choose_the_host() {
        let appended = [
            ("x-forwarded-host", "evil.test"),
            ("x-forwarded-host", "id.test:443"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-proto", "https"),
        ];
        let host = told_host(ForwardedHeaders::XForwarded, &appended);
        assert_eq!(host.as_deref(), Some("id.test"));
        let listed = [("x-forwarded-host", "evil.test, id.test")];
        let host = told_host(ForwardedHeaders::XForwarded, &listed);
        assert_eq!(host.as_deref(), Some("id.test"));
    }

    #[test]
    fn the_outermost_of_our_proxies_tells_the_host() {
        // RFC 7239 §4: what is left of an address that is no proxy's was written by nobody we know.
        let chain = "for=6.6.6.6;host=evil.test, for=1.2.3.4;host=id.test;proto=https, \
                     for=10.0.0.7;host=inner.test";
        let host = |text| told_host(ForwardedHeaders::Standard, &[("forwarded", text)]);
        assert_eq!(host(chain).as_deref(), Some("id.test"));
        let open = "for=\"6.6.6.6;host=evil.test, for=1.2.3.4;host=\"id.test:8443\"";
        assert_eq!(host(open).as_deref(), Some("id.test:8443"), "a quote that was left open");
    }

    #[test]
    fn refuses_two_hosts_beside_an_authority_too() {
        // RFC 9112 §3.2
        let uri = Uri::from_static("https://id.test/x");
        let one = headers(&[("host", "id.test")]);
        assert_eq!(proxies().authority(ip("9.9.9.9"), &uri, &one).as_deref(), Some("id.test"));
        let two = headers(&[("host", "id.test"), ("host", "id.test")]);
        assert_eq!(proxies().authority(ip("9.9.9.9"), &uri, &two), None);
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
