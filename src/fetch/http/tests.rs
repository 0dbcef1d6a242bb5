//! Tests against a server on this machine.

use std::sync::Mutex;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

/// A server that sends the same bytes to each request and records the requests.
struct FetchServer {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl FetchServer {
    async fn answering(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut buffer = vec![0; 4096];
                let read = stream.read(&mut buffer).await.unwrap_or_default();
                let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
                keep.lock().expect("whole").push(text);
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { address, seen }
    }

    fn url(&self) -> String {
        format!("http://{}/doc?x=1#part", self.address)
    }
}

fn network(allowed: &[&str]) -> HttpFetch {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let nets = allowed.iter().map(|net| net.parse().expect("a net")).collect();
    HttpFetch::new(EgressPolicy::new(nets), RootCertStore::empty())
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: Application/JSON; charset=utf-8\r\ncache-control: max-age=60\r\ncontent-length: 2\r\n\r\n{}";

#[tokio::test]
async fn gets_a_document_and_its_max_age() {
    let server = FetchServer::answering(OK).await;
    let fetched = network(&["127.0.0.0/8"]).get(&server.url(), 100).await.expect("an answer");
    assert_eq!(&fetched.body[..], b"{}");
    assert_eq!(fetched.content_type.as_deref(), Some("application/json"));
    assert_eq!(fetched.max_age, Some(Duration::from_secs(60)));
    let seen = server.seen.lock().expect("whole").join("");
    assert!(seen.starts_with("GET /doc?x=1 HTTP/1.1\r\n"), "the fragment is not sent: {seen}");
    assert!(seen.contains(&format!("host: {}", server.address)), "{seen}");
}

#[tokio::test]
async fn posts_a_form() {
    let server = FetchServer::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let form = "logout_token=a.b.c".to_owned();
    let status = network(&["127.0.0.0/8"]).post_form(&server.url(), form).await;
    assert_eq!(status, Ok(204));
    let seen = server.seen.lock().expect("whole").join("");
    assert!(seen.starts_with("POST /doc?x=1") && seen.ends_with("logout_token=a.b.c"), "{seen}");
}

#[tokio::test]
async fn refuses_internal_addresses_unless_allowed() {
    let server = FetchServer::answering(OK).await;
    for url in [
        server.url(),
        format!("http://localhost:{}/", server.address.port()),
        format!("https://localhost:{}/", server.address.port()),
        format!("http://[::ffff:127.0.0.1]:{}/", server.address.port()),
        format!("http://2130706433:{}/", server.address.port()),
    ] {
        let refused = network(&["10.0.0.0/8"]).get(&url, 100).await;
        assert!(matches!(refused, Err(FetchError::Forbidden(_))), "{url}: {refused:?}");
    }
    assert!(server.seen.lock().expect("whole").is_empty(), "no request was sent");
}

#[tokio::test]
async fn public_addresses_are_called_with_tls_only() {
    for url in ["http://1.1.1.1/", "http://1.1.1.1:8443/", "http://[2606:4700::1111]/"] {
        let refused = network(&["10.0.0.0/8"]).get(url, 100).await;
        let error = refused.expect_err(url);
        assert!(matches!(error, FetchError::Unencrypted(_)), "{url}: {error:?}");
        assert!(error.is_forbidden() && !error.is_transient());
        assert!(error.to_string().contains("use https"), "{error}");
    }
}

#[tokio::test]
async fn does_not_follow_redirects() {
    let answer = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n";
    let server = FetchServer::answering(answer).await;
    let refused = network(&["127.0.0.0/8"]).get(&server.url(), 100).await;
    assert_eq!(refused, Err(FetchError::Status("127.0.0.1".to_owned(), 302)));
}

#[tokio::test]
async fn reads_no_more_than_the_limit() {
    let server = FetchServer::answering("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n123456").await;
    let refused = network(&["127.0.0.0/8"]).get(&server.url(), 5).await;
    assert_eq!(refused, Err(FetchError::TooLarge("127.0.0.1".to_owned(), 5)));
}

#[tokio::test(start_paused = true)]
async fn times_out_if_the_server_does_not_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let refused = network(&["127.0.0.0/8"]).get(&url, 100).await;
    assert!(matches!(refused, Err(FetchError::Late(_))), "{refused:?}");
}

#[tokio::test]
async fn refuses_urls_without_a_server() {
    for url in ["", "ftp://a.test/", "https://user:pw@a.test/", "data:,x"] {
        let refused = network(&[]).get(url, 100).await;
        assert!(refused.is_err_and(|error| !error.is_transient()), "{url}");
    }
}

#[test]
fn only_transient_errors_are_retried() {
    assert!(FetchError::Status("a".into(), 503).is_transient());
    assert!(!FetchError::Status("a".into(), 404).is_transient());
    assert!(!FetchError::Forbidden("a".into()).is_transient());
}

#[tokio::test]
async fn certificates_of_one_provider_are_not_trusted_for_others() {
    use tokio_rustls::rustls::{ServerConfig, pki_types::PrivateKeyDer};

    let plain = network(&["127.0.0.0/8", "::1/128"]);
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("it is made");
    let private = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .expect("a pair");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://localhost:{}/", listener.local_addr().expect("bound").port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(OK.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        }
    });
    let pem: Arc<str> = certificate.pem().into();
    let trusting = plain.trusting(&pem).expect("a client");
    assert_ne!(plain.rights(&url), trusting.rights(&url), "their caches differ");
    let internal = HttpFetch::new(
        EgressPolicy::default().with_private_networks(),
        rustls::RootCertStore::empty(),
    );
    assert_ne!(plain.rights(&url), internal.rights(&url));
    assert_eq!(trusting.get(&url, 100).await.map(|it| it.body), Ok(Bytes::from("{}")));
    for client in [trusting.trusting(&"no certificate".into()).expect("a client"), Arc::new(plain)]
    {
        let refused = client.get(&url, 100).await.expect_err("it is not trusted");
        assert!(refused.is_about_certificate(), "{refused}");
    }
}
