use http::Uri;

use super::*;

fn proxies() -> TrustedProxies {
    writing(ForwardedHeaders::XForwarded)
}

fn writing(headers: ForwardedHeaders) -> TrustedProxies {
    TrustedProxies::new(vec!["10.0.0.0/8".parse().expect("a network")], headers)
}

impl TrustedProxies {
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        self.effective_request(peer, &request(Uri::from_static("/x"), headers)).client
    }

    fn authority(&self, peer: IpAddr, uri: &Uri, headers: &HeaderMap) -> Option<String> {
        self.effective_request(peer, &request(uri.clone(), headers)).authority
    }
}

fn request(uri: Uri, headers: &HeaderMap) -> Request<()> {
    let mut request = Request::new(());
    *request.uri_mut() = uri;
    *request.headers_mut() = headers.clone();
    request
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

/// The requested host according to the proxy's headers.
fn forwarded_host(family: ForwardedHeaders, pairs: &[(&'static str, &str)]) -> Option<String> {
    writing(family).authority(ip("10.0.0.1"), &Uri::from_static("/"), &headers(pairs))
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn trusts_only_its_proxies() {
    let headers = headers(&[
        ("x-forwarded-for", "1.2.3.4"),
        ("x-forwarded-host", "evil.test"),
        ("host", "id.test"),
    ]);
    assert_eq!(proxies().client(ip("9.9.9.9"), &headers), ip("9.9.9.9"));
    let uri = Uri::from_static("/x");
    assert_eq!(proxies().authority(ip("9.9.9.9"), &uri, &headers).as_deref(), Some("id.test"));
    assert_eq!(proxies().authority(ip("10.0.0.1"), &uri, &headers).as_deref(), Some("evil.test"));
}

#[test]
fn uses_the_last_address_that_is_not_a_proxys() {
    let chain = headers(&[("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.7")]);
    assert_eq!(proxies().client(ip("10.0.0.1"), &chain), ip("1.2.3.4"));
    let lines = headers(&[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "1.2.3.4")]);
    assert_eq!(proxies().client(ip("10.0.0.1"), &lines), ip("1.2.3.4"));
    let mapped = headers(&[("x-forwarded-for", "6.6.6.6, [::ffff:1.2.3.4]:80, ::ffff:10.1.1.1")]);
    assert_eq!(proxies().client(ip("10.0.0.1"), &mapped), ip("1.2.3.4"));
    let standard = headers(&[("forwarded", "for=6.6.6.6, For=\"[2001:db8::1]:99\";proto=https")]);
    let proxies_of_rfc_7239 = writing(ForwardedHeaders::Standard);
    assert_eq!(proxies_of_rfc_7239.client(ip("10.0.0.1"), &standard), ip("2001:db8::1"));
    let garbage = headers(&[("x-forwarded-for", "6.6.6.6, unknown")]);
    assert_eq!(proxies().client(ip("10.0.0.1"), &garbage), ip("10.0.0.1"));
}

#[test]
fn reads_only_the_configured_header_family() {
    // The client sent the other family, and the proxy passed it on.
    let both = headers(&[("x-forwarded-for", "6.6.6.6"), ("forwarded", "for=1.2.3.4")]);
    assert_eq!(proxies().client(ip("10.0.0.1"), &both), ip("6.6.6.6"));
    let standard = writing(ForwardedHeaders::Standard);
    assert_eq!(standard.client(ip("10.0.0.1"), &both), ip("1.2.3.4"));
    for (family, of_the_other) in [
        (ForwardedHeaders::Standard, ("x-forwarded-host", "evil.test")),
        (ForwardedHeaders::XForwarded, ("forwarded", "for=1.2.3.4;host=evil.test")),
    ] {
        let host = forwarded_host(family, &[of_the_other, ("host", "id.test")]);
        assert_eq!(host.as_deref(), Some("id.test"), "{family:?}");
    }
}

#[test]
fn a_client_behind_an_appending_proxy_cannot_choose_the_host() {
    let appended = [
        ("x-forwarded-host", "evil.test"),
        ("x-forwarded-host", "id.test:443"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-proto", "https"),
    ];
    let host = forwarded_host(ForwardedHeaders::XForwarded, &appended);
    assert_eq!(host.as_deref(), Some("id.test"));
    let listed = [("x-forwarded-host", "evil.test, id.test")];
    let host = forwarded_host(ForwardedHeaders::XForwarded, &listed);
    assert_eq!(host.as_deref(), Some("id.test"));
}

#[test]
fn the_outermost_trusted_proxy_sets_the_host() {
    // RFC 7239 §4: elements to the left of an address that is not a proxy's come from untrusted
    // peers.
    let chain = "for=6.6.6.6;host=evil.test, for=1.2.3.4;host=id.test;proto=https, \
                 for=10.0.0.7;host=inner.test";
    let host = |text| forwarded_host(ForwardedHeaders::Standard, &[("forwarded", text)]);
    assert_eq!(host(chain).as_deref(), Some("id.test"));
    let open = "for=\"6.6.6.6;host=evil.test, for=1.2.3.4;host=\"id.test:8443\"";
    assert_eq!(host(open).as_deref(), Some("id.test:8443"), "a quote that was left open");
}

#[test]
fn refuses_two_hosts_with_an_authority() {
    // RFC 9112 §3.2
    let uri = Uri::from_static("https://id.test/x");
    let one = headers(&[("host", "id.test")]);
    assert_eq!(proxies().authority(ip("9.9.9.9"), &uri, &one).as_deref(), Some("id.test"));
    let two = headers(&[("host", "id.test"), ("host", "id.test")]);
    assert_eq!(proxies().authority(ip("9.9.9.9"), &uri, &two), None);
}

#[test]
fn refuses_an_http_2_host_that_differs_from_its_authority() {
    // RFC 9113 §8.3.1, RFC 9112 §3.2.2
    let asked = |version, host| {
        let uri = Uri::from_static("https://id.test/x");
        let mut request = request(uri, &headers(&[("host", host)]));
        *request.version_mut() = version;
        proxies().effective_request(ip("9.9.9.9"), &request).authority
    };
    assert_eq!(asked(Version::HTTP_2, "evil.test"), None);
    assert_eq!(asked(Version::HTTP_2, "ID.test:443").as_deref(), Some("id.test"));
    assert_eq!(asked(Version::HTTP_11, "evil.test").as_deref(), Some("id.test"));
}

#[test]
fn normalizes_hosts() {
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
