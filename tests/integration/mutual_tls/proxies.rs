//! Proxies that pass on the certificates of clients, and peers that try to without permission.

use std::{net::SocketAddr, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use lanyard::http::{
    CertificateFormat, CertificateHeader, ForwardedHeaders, ListenerRole, ProxyTrust, ServerConfig,
    TrustedProxies,
};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{
    browser::claims,
    certificates::{Identity, NamedAuthority, long_params},
    world::{Caller, World, assert_error, read},
};

const FORM: [(&str, &str); 1] = [("grant_type", "client_credentials")];

/// The port for proxies, with the authority of their certificates.
struct ProxyPort {
    address: SocketAddr,
    authority: NamedAuthority,
    _stop: watch::Sender<bool>,
}

impl ProxyPort {
    fn open(world: &World, name: &str, format: CertificateFormat) -> Self {
        let authority = NamedAuthority::new("Proxies");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, authority.pem()).expect("written");
        let names = ["proxy.internal".to_owned()];
        let trust = ProxyTrust::load(&file, &names).expect("an authority");
        let header = CertificateHeader::new(name, format).expect("a header");
        let role = ListenerRole::CertificateProxy(Arc::new(trust), header);
        let (address, stop) = world.app.listen_as(Arc::clone(&world.tls), role);
        Self { address, authority, _stop: stop }
    }

    /// A client behind a proxy with a certificate.
    async fn behind(&self, world: &World, name: &str, proxy: Option<&Identity>) -> Caller {
        let caller = world.caller(("shop", name), proxy).await;
        Caller { port: Some(self.address.port()), ..caller }
    }
}

/// Posts a form, with the host that the client asked for.
async fn send(caller: &Caller, world: &World, headers: &[(&str, &str)]) -> (u16, Value) {
    let host = format!("localhost:{}", world.app.mutual_tls_port());
    let headers: Vec<_> = headers.iter().copied().chain([("host", &*host)]).collect();
    caller.post_to(&caller.alias("token_endpoint"), &FORM, &headers).await
}

fn rfc9440(identity: &Identity) -> String {
    format!(":{}:", STANDARD.encode(&identity.der))
}

fn escaped(identity: &Identity) -> String {
    percent_encode(identity.certificate.as_bytes(), NON_ALPHANUMERIC).to_string()
}

#[tokio::test]
async fn a_proxy_with_a_certificate_forwards_those_of_clients() {
    // RFC 9440 §2.2
    let world = World::new().await;
    let identity = world.issue("ledger.acme.test");
    let in_rfc = ("client-cert", CertificateFormat::Rfc9440, rfc9440(&identity));
    let in_pem = ("ssl-client-cert", CertificateFormat::EscapedPem, escaped(&identity));
    for (name, format, value) in [in_rfc, in_pem] {
        let port = ProxyPort::open(&world, name, format);
        let proxy = port.authority.issue("proxy.internal");
        let ledger = port.behind(&world, "ledger", Some(&proxy)).await;
        let (status, tokens) = send(&ledger, &world, &[(name, &value)]).await;
        assert_eq!(status, 200, "{tokens}");
        let token = claims(tokens["access_token"].as_str().expect("a token"));
        let cnf = json!({ "x5t#S256": identity.thumbprint() });
        assert_eq!(token["cnf"], cnf, "the client's certificate, not the proxy's");
        // Without the header the client has no certificate; the proxy's is not the client's.
        assert_error(&send(&ledger, &world, &[]).await, 401, "invalid_client");
        assert_error(&send(&ledger, &world, &[(name, "")]).await, 401, "invalid_client");
    }
}

#[tokio::test]
async fn only_named_proxies_of_the_authority_connect() {
    let world = World::new().await;
    let identity = world.issue("ledger.acme.test");
    let port = ProxyPort::open(&world, "client-cert", CertificateFormat::Rfc9440);
    let (of_clients, elsewhere) =
        (world.issue("proxy.internal"), NamedAuthority::new("Proxies").issue("proxy.internal"));
    let other_name = port.authority.issue("workload.internal");
    for proxy in [None, Some(&of_clients), Some(&elsewhere), Some(&other_name)] {
        let ledger = port.behind(&world, "ledger", proxy).await;
        let request = ledger.http.post(ledger.alias("token_endpoint"));
        let request = request.header("client-cert", rfc9440(&identity)).form(&FORM);
        request.send().await.expect_err("the handshake fails");
    }
}

/// A self-signed certificate with an RSA key of 1024 bits.
const WEAK_CERTIFICATE: &str = "MIIB/DCCAWWgAwIBAgIUPnonndc1OYPIPPIlwWynF9+cCD0wDQYJKoZIhvcNAQELBQAwDzENMAsGA1UEAwwEd2VhazAgFw0yNjExMzAxMDU5MzhaGA8yMDgxMDkwMjEwNTkzOFowDzENMAsGA1UEAwwEd2VhazCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkCgYEAzNXsrh4eUtboMaCBq2vl6W0/juavlBu1+ztqVt2DvrFisFy7WLXtVsgoTwb7zD+Orxtpybc5mJuxFzoE/UMFJuW6gQMIaYOHRVqdv3V2oQ2hcPbT1nt1wNNeCUWfGP8VAuk4BZZtAjmxRM6mPACqiKqBHZI2fm075q7QEOJoUkUCAwEAAaNTMFEwHQYDVR0OBBYEFBYsj8K6zMPcC8sQmyKdn34XmucLMB8GA1UdIwQYMBaAFBYsj8K6zMPcC8sQmyKdn34XmucLMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADgYEAT+p+d0azwAlCGwgxB3LUiQU2ON/RX3oU/G+XrZOXc9zxf+7lOh6LumAQb0itw2vkEkBqI0ppOw4AGwrGxegaX7jyP9fVRq5sQWzwQYI5cJlDM+cuvNfrtomqf6z+dQjBpFNRpFDVkW7ekyNv33UwZV9j5HHt2EDysYgouLxr1Lw=";

#[tokio::test]
async fn headers_that_are_not_one_certificate_are_refused() {
    let world = World::new().await;
    let identity = world.issue("ledger.acme.test");
    let port = ProxyPort::open(&world, "client-cert", CertificateFormat::Rfc9440);
    let proxy = port.authority.issue("proxy.internal");
    let ledger = port.behind(&world, "ledger", Some(&proxy)).await;
    let (value, pem) = (rfc9440(&identity), escaped(&identity));
    let long = format!(":{}:", "A".repeat(20_000));
    for headers in [
        vec![("client-cert", &*value), ("client-cert", &*value)],
        vec![("client-cert", &*pem)],
        vec![("client-cert", &*long)],
        vec![("client-cert", ":AAAA")],
        vec![("client-cert-chain", &*value)],
    ] {
        let (status, answer) = send(&ledger, &world, &headers).await;
        assert_eq!(status, 400, "{answer}");
        let told = answer["error_description"].as_str().expect("a description");
        assert!(told.contains("client certificate"), "{told}");
    }
    // A weak key: RSA with 1024 bits.
    let weak = format!(":{WEAK_CERTIFICATE}:");
    let (status, answer) = send(&ledger, &world, &[("client-cert", &weak)]).await;
    assert_eq!(status, 400, "{answer}");
    let told = answer["error_description"].as_str().expect("a description");
    assert!(told.contains("weak key"), "{told}");
    // Another text does not authenticate a client.
    assert_error(&send(&ledger, &world, &[("client-cert", ":AAAA:")]).await, 401, "invalid_client");
}

#[tokio::test]
async fn only_endpoints_that_use_certificates_refuse_them() {
    let world = World::new().await;
    let port = ProxyPort::open(&world, "client-cert", CertificateFormat::Rfc9440);
    let proxy = port.authority.issue("proxy.internal");
    let browser = port.behind(&world, "ledger", Some(&proxy)).await;
    let host = format!("localhost:{}", world.app.mutual_tls_port());
    let token = browser.alias("token_endpoint");
    let weak = format!(":{WEAK_CERTIFICATE}:");
    for value in [&*weak, ":AAAA"] {
        for path in ["oauth/authorize", "login", "logout", "account", "style.css"] {
            let url = token.replace("oauth/token", path);
            let request = browser.http.get(url).header("host", &host).header("client-cert", value);
            let (status, answer) = read(request).await;
            assert_eq!(status, 404, "{path} with {value}: {answer}");
        }
        let request = browser.http.post(&token).header("host", &host).header("client-cert", value);
        let (status, answer) = read(request.form(&FORM)).await;
        assert_eq!(status, 400, "{answer}");
        let told = answer["error_description"].as_str().expect("a description");
        assert!(told.contains("client certificate"), "{told}");
    }
}

#[tokio::test]
async fn a_certificate_of_another_client_stays_that_of_another_client() {
    let world = World::new().await;
    let port = ProxyPort::open(&world, "client-cert", CertificateFormat::Rfc9440);
    let proxy = port.authority.issue("proxy.internal");
    let ledger = port.behind(&world, "ledger", Some(&proxy)).await;
    let other = rfc9440(&world.issue("plain.acme.test"));
    assert_error(&send(&ledger, &world, &[("client-cert", &other)]).await, 401, "invalid_client");
}

#[tokio::test]
async fn the_certificate_of_a_proxy_has_a_short_chain_to_an_authority() {
    let world = World::new().await;
    let identity = world.issue("ledger.acme.test");
    let port = ProxyPort::open(&world, "client-cert", CertificateFormat::Rfc9440);
    let proxy = port.authority.issue("proxy.internal");
    let further = NamedAuthority::new("Further").pem();
    let (value, short) = (rfc9440(&identity), proxy.followed_by(4, &further));
    let ledger = port.behind(&world, "ledger", Some(&short)).await;
    let (status, tokens) = send(&ledger, &world, &[("client-cert", &value)]).await;
    assert_eq!(status, 200, "{tokens}");
    let long = port.authority.issue_with(&long_params("proxy.internal", 17_000));
    for proxy in [&proxy.followed_by(5, &further), &long] {
        let ledger = port.behind(&world, "ledger", Some(proxy)).await;
        let request = ledger.http.post(ledger.alias("token_endpoint"));
        let request = request.header("client-cert", &value).form(&FORM);
        request.send().await.expect_err("the handshake fails");
    }
    // A peer whose certificate is not of the authority is not a proxy.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, &proxy.certificate).expect("written");
    let refused =
        ProxyTrust::load(&file, &["proxy.internal".to_owned()]).expect_err("no authority");
    assert!(refused.to_string().contains("not of an authority"), "{refused}");
}

#[tokio::test]
async fn headers_about_the_client_count_from_proxies_with_a_certificate_only() {
    let local = "127.0.0.0/8".parse().expect("a network");
    let trusted_proxies = TrustedProxies::new(vec![local], ForwardedHeaders::XForwarded);
    let world = World::with(ServerConfig { trusted_proxies, ..ServerConfig::default() }).await;
    let identity = world.issue("ledger.acme.test");
    let port = ProxyPort::open(&world, "client-cert", CertificateFormat::Rfc9440);
    let proxy = port.authority.issue("proxy.internal");
    let behind = port.behind(&world, "ledger", Some(&proxy)).await;
    let direct = world.caller(("shop", "ledger"), Some(&identity)).await;
    let id = "chosen-by-the-sender";
    for (caller, counts) in [(&behind, true), (&direct, false)] {
        let form = [FORM[0], ("client_id", "default.ledger")];
        let request = caller.http.post(caller.alias("token_endpoint")).form(&form);
        let host = format!("localhost:{}", world.app.mutual_tls_port());
        let request = request.header("host", host).header("client-cert", rfc9440(&identity));
        let request = request.header("x-request-id", id).header("x-forwarded-for", "192.0.2.77");
        let request = request.header("x-forwarded-host", "elsewhere.test");
        let response = request.send().await.expect("an answer");
        assert_eq!(response.headers()["x-request-id"] == id, counts);
        assert_eq!(response.status(), if counts { 404 } else { 200 });
    }
}
