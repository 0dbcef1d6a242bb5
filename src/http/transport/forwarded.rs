//! Who asks, and for which host: the connection's word, or a trusted proxy's.
//!
//! Headers of anyone else are ignored, or a client could choose its address and its tenant. A proxy
//! writes one family of headers and lets a client's own of the other family pass, so only the one
//! that the operator names counts.

use std::net::IpAddr;

use http::{HeaderMap, Request, Version, header};
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
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EffectiveRequest {
    /// The client's address: of the chain that proxies wrote, the last that is none of theirs.
    pub(crate) client: IpAddr,
    /// The authority that the client asked for: lower case, without a default port. `None` if the
    /// request names none, or two.
    pub(crate) authority: Option<String>,
}

/// What proxies say of a request.
#[derive(Debug)]
struct ForwardedInfo {
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

    /// Who asks, and for which host.
    pub(crate) fn asked<B>(&self, peer: IpAddr, request: &Request<B>) -> EffectiveRequest {
        let told = self.forwarded_info(peer, request.headers());
        let authority = match told.host {
            Some(host) => canonical(&host, told.https),
            None => own_host(request, told.https),
        };
        EffectiveRequest { client: told.client, authority }
    }

    /// What proxies say, each believed as long as the one that passed it on is one of ours.
    fn forwarded_info(&self, peer: IpAddr, headers: &HeaderMap) -> ForwardedInfo {
        let mut told = ForwardedInfo { client: peer.to_canonical(), host: None, https: None };
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

/// The host that the request itself names: two headers are refused whatever they say (RFC 9112
/// §3.2), and so is one of HTTP/2 that is not what `:authority` says (RFC 9113 §8.3.1). The absolute
/// form of HTTP/1 has the header ignored (RFC 9112 §3.2.2).
fn own_host<B>(request: &Request<B>, https: Option<bool>) -> Option<String> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return None;
    }
    let named = || canonical(host?.to_str().ok()?, https);
    let Some(authority) = request.uri().authority() else { return named() };
    let authority = canonical(authority.as_str(), https);
    let disagrees = request.version() == Version::HTTP_2 && host.is_some() && named() != authority;
    authority.filter(|_| !disagrees)
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
mod tests;
