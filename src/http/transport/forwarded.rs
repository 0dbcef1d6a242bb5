//! The client's address and requested host, from the connection or from a trusted proxy.
//!
//! Forwarding headers from other peers are ignored, because a client could otherwise choose its
//! address and tenant. A proxy sets one family of headers and may pass on a client's headers of the
//! other family, so only the configured family is read.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, Request, Version, header};
use ipnet::IpNet;

/// The families of forwarding headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeaders {
    /// `X-Forwarded-For`, `-Host` and `-Proto`.
    #[default]
    XForwarded,
    /// `Forwarded`, with `for`, `host` and `proto` (RFC 7239 §4).
    Standard,
}

/// The trusted proxies and the headers that they set.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    headers: ForwardedHeaders,
}

/// The entry of one proxy in the forwarding headers.
#[derive(Debug, Default)]
struct Hop {
    /// The peer that connected to the proxy; `None` if it cannot be parsed, which no known proxy
    /// writes.
    client: Option<IpAddr>,
    host: Option<String>,
    proto: Option<String>,
}

/// The effective client address and host of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EffectiveRequest {
    /// The client's address: the last one in the proxies' chain that is not a trusted proxy's.
    pub(crate) client: IpAddr,
    /// The requested authority: lower case, without a default port. `None` if the request contains
    /// none, or conflicting ones.
    pub(crate) authority: Option<String>,
    /// Whether the authority is that of a trusted proxy's header.
    pub(crate) is_forwarded_authority: bool,
    /// Whether a header says that a proxy passed the request on, whether the proxy is trusted or not.
    pub(crate) proxied: bool,
}

/// Headers that only proxies set. `X-Forwarded-Proto` is not among them, because the sidecars of
/// service meshes set it on requests inside the cluster.
static PROXY_HEADERS: [HeaderName; 5] = [
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-real-ip"),
];

/// The values that trusted proxies set for a request.
#[derive(Debug)]
struct ForwardedInfo {
    client: IpAddr,
    host: Option<String>,
    https: Option<bool>,
}

impl TrustedProxies {
    /// Trusts proxies within these networks, which set these headers.
    pub fn new(networks: Vec<IpNet>, headers: ForwardedHeaders) -> Self {
        Self { networks, headers }
    }

    /// Returns true if an address is a trusted proxy's.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// The effective client address and host of a request.
    pub(crate) fn effective_request<B>(
        &self,
        peer: IpAddr,
        request: &Request<B>,
    ) -> EffectiveRequest {
        let forwarded = self.forwarded_info(peer, request.headers());
        let is_forwarded_authority = forwarded.host.is_some();
        let authority = match forwarded.host {
            Some(host) => canonical(&host, forwarded.https),
            None => own_host(request, forwarded.https),
        };
        let proxied = PROXY_HEADERS.iter().any(|name| request.headers().contains_key(name));
        EffectiveRequest { client: forwarded.client, authority, is_forwarded_authority, proxied }
    }

    /// Reads the proxies' entries, each trusted as long as the peer that passed it on is a trusted
    /// proxy.
    fn forwarded_info(&self, peer: IpAddr, headers: &HeaderMap) -> ForwardedInfo {
        let mut forwarded = ForwardedInfo { client: peer.to_canonical(), host: None, https: None };
        if !self.contains(forwarded.client) {
            return forwarded;
        }
        let hops = match self.headers {
            ForwardedHeaders::XForwarded => x_forwarded(headers),
            ForwardedHeaders::Standard => standard(headers),
        };
        for hop in hops.into_iter().rev() {
            // The outermost trusted proxy saw the original request.
            forwarded.host = hop.host.or(forwarded.host);
            forwarded.https =
                hop.proto.map(|it| it.eq_ignore_ascii_case("https")).or(forwarded.https);
            let Some(client) = hop.client else { break };
            forwarded.client = client;
            if !self.contains(client) {
                break;
            }
        }
        forwarded
    }
}

/// The host in the request itself. Two `Host` headers are refused, whatever their values (RFC 9112
/// §3.2), and so is an HTTP/2 `Host` that differs from `:authority` (RFC 9113 §8.3.1). With an
/// absolute-form target of HTTP/1 the header is ignored (RFC 9112 §3.2.2).
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

/// All values of a list header, in order.
fn list<'h>(headers: &'h HeaderMap, name: &str) -> Vec<&'h str> {
    let all = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
    all.flat_map(|value| value.split(',')).map(str::trim).collect()
}

/// The hops of `X-Forwarded-*`. Host and scheme are the last values, set by the proxy that connects
/// to this server: it replaces or appends to a client's values.
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

/// The hops of `Forwarded` (RFC 7239 §4) with each proxy's values. Elements are split at every comma, even in
/// quotes. Addresses and hosts contain no comma, and an unclosed quote of a client must not hide a proxy's element.
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

/// Converts an authority to lower case without its default port. If the scheme is unknown, both 443
/// and 80 are removed: no issuer has either.
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

/// Parses an address, with an optional port and, for IPv6, optional brackets.
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
