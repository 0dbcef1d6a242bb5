//! The port where clients present certificates: what it serves, and who reaches it.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore, SignatureScheme, SupportedCipherSuite,
    client::ResolvesClientCert,
    crypto::{
        CryptoProvider,
        aws_lc_rs::{self, cipher_suite},
    },
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
    version::TLS12,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::{
    certificates::Identity,
    world::{World, assert_error},
};

#[tokio::test]
async fn the_document_contains_the_addresses_that_work() {
    // RFC 8705 §5
    let world = World::new().await;
    let identity = world.issue("plain.acme.test");
    let plain = world.caller(("shop", "plain"), Some(&identity)).await;
    assert_eq!(plain.document["tls_client_certificate_bound_access_tokens"], true);
    let aliases = plain.document["mtls_endpoint_aliases"].as_object().expect("an object").clone();
    assert_eq!(aliases.len(), 5, "{aliases:?}");
    for (endpoint, url) in aliases {
        let url = url.as_str().expect("a URL");
        assert!(url.starts_with("https://localhost:"), "{url}");
        let response = plain.http.get(url).send().await.expect("an answer");
        assert_ne!(response.status(), 404, "{endpoint}");
    }
}

#[tokio::test]
async fn pages_are_not_served_where_certificates_are_asked_for() {
    let world = World::new().await;
    let port = world.app.mutual_tls_port();
    for path in ["login", "oauth/authorize", "account", ".well-known/openid-configuration", ""] {
        let url = format!("https://localhost:{port}/default/shop/{path}");
        let response = world.http(None).get(url).send().await.expect("an answer");
        assert_eq!(response.status(), 404, "{path}");
        let answer: Value = response.json().await.expect("JSON");
        let told = answer["error_description"].as_str().expect("a description");
        assert!(told.contains("mtls_endpoint_aliases"), "{told}");
    }
}

#[tokio::test]
async fn headers_of_a_client_are_not_read_as_certificates() {
    let world = World::new().await;
    let identity = world.issue("plain.acme.test");
    let plain = world.caller(("shop", "plain"), None).await;
    let header = format!(":{}:", base64(&identity.der));
    let headers = [
        ("client-cert", &*header),
        ("ssl-client-cert", &*header),
        ("x-forwarded-client-cert", &*header),
    ];
    let form = [("grant_type", "client_credentials")];
    for url in
        [plain.alias("token_endpoint"), plain.application.endpoint("token_endpoint").to_owned()]
    {
        assert_error(&plain.post_to(&url, &form, &headers).await, 401, "invalid_client");
    }
    // A certificate of the connection goes before, whatever a header says.
    let other = world.issue("ledger.acme.test");
    let other = world.caller(("shop", "plain"), Some(&other)).await;
    let answer = other.post_to(&other.alias("token_endpoint"), &form, &headers).await;
    assert_error(&answer, 401, "invalid_client");
}

#[tokio::test]
async fn a_certificate_without_its_key_gives_no_connection() {
    let world = World::new().await;
    let identity = world.issue("plain.acme.test");
    let answered = answer_to(&world, &identity, &identity).await;
    assert!(answered.starts_with("HTTP/1.1 401"), "{answered}");
    let thief = Identity::self_signed("plain.acme.test");
    assert_eq!(answer_to(&world, &identity, &thief).await, "", "the handshake fails");
}

#[tokio::test]
async fn tls12_has_the_recommended_cipher_suites_only() {
    // RFC 9325 §4.2, FAPI 2.0 Security Profile §5.2.1
    let world = World::new().await;
    for recommended in [
        [
            cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        ],
        [
            cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        ],
    ] {
        assert!(connects_by_tls12(&world, &recommended).await, "{recommended:?}");
    }
    let other = [
        cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ];
    assert!(!connects_by_tls12(&world, &other).await);
}

/// Returns true if a client of TLS 1.2 with these cipher suites only gets a connection.
async fn connects_by_tls12(world: &World, suites: &[SupportedCipherSuite]) -> bool {
    let provider =
        CryptoProvider { cipher_suites: suites.to_vec(), ..aws_lc_rs::default_provider() };
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS12])
        .expect("the provider has suites of the version")
        .with_root_certificates(roots(world))
        .with_no_client_auth();
    let port = world.app.mutual_tls_port();
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connected");
    let name = "localhost".try_into().expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.is_ok()
}

/// The authority of the server's certificate.
fn roots(world: &World) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let servers = world.servers.pem();
    roots.add(CertificateDer::from_pem_slice(servers.as_bytes()).expect("PEM")).expect("added");
    roots
}

/// Shows a certificate whatever the server asks for.
#[derive(Debug)]
struct ShownCertificate(Arc<CertifiedKey>);

impl ResolvesClientCert for ShownCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// The response to a request with a certificate, whose handshake is signed with the key of another identity.
async fn answer_to(world: &World, identity: &Identity, signed_by: &Identity) -> String {
    let certificate = CertificateDer::from(identity.der.clone());
    let key = PrivateKeyDer::from_pem_slice(signed_by.key.as_bytes()).expect("a key");
    let key = aws_lc_rs::sign::any_supported_type(&key).expect("a key");
    let shown = ShownCertificate(Arc::new(CertifiedKey::new(vec![certificate], key)));
    let config = ClientConfig::builder()
        .with_root_certificates(roots(world))
        .with_client_cert_resolver(Arc::new(shown));
    let port = world.app.mutual_tls_port();
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connected");
    let name = "localhost".try_into().expect("a name");
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let Ok(mut stream) = connected else { return String::new() };
    let path = "/default/shop/oauth/userinfo";
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n\r\n");
    let mut answer = Vec::new();
    // With TLS 1.3 the client learns of the refusal when it reads.
    let _ = stream.write_all(request.as_bytes()).await;
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn without_the_port_certificates_are_neither_advertised_nor_allowed() {
    let app = super::app::TestApp::start(
        "apiVersion: lanyard.dev/v1alpha1\nkind: Tenant\nmetadata: {name: shop}\nspec: {}\n",
    )
    .await;
    let url = format!("{}/.well-known/openid-configuration", app.issuer("shop"));
    let document: Value = reqwest::get(url).await.expect("an answer").json().await.expect("JSON");
    assert_eq!(document.get("mtls_endpoint_aliases"), None);
    let methods = document["token_endpoint_auth_methods_supported"].as_array().expect("a list");
    assert!(!methods.contains(&json!("tls_client_auth")), "{methods:?}");
}

fn base64(der: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(der)
}
