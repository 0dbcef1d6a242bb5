//! The limits of the port where clients present certificates: chains, memory, connections, and what it never serves.

use bytes::Bytes;
use http_body_util::Full;
use lanyard::http::{
    CertificateFormat, CertificateHeader, ConnectionCertificates, ConnectionInfo, ServerConfig,
    ServerLimits, TrustedProxies,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    certificates::{Identity, long_params},
    world::World,
};

/// A token request of the client `plain` with a certificate. `None` if there is no connection.
async fn status(world: &World, identity: &Identity) -> Option<u16> {
    let plain = world.caller(("shop", "plain"), Some(identity)).await;
    let form = [("grant_type", "client_credentials"), ("client_id", "default.plain")];
    let request = plain.http.post(plain.alias("token_endpoint")).form(&form);
    Some(request.send().await.ok()?.status().as_u16())
}

#[tokio::test]
async fn a_long_chain_ends_the_handshake() {
    let world = World::new().await;
    let identity = world.issue("plain.acme.test");
    let chain = |count: usize| identity.followed_by(count, &world.authority.pem());
    assert_eq!(status(&world, &chain(4)).await, Some(200));
    assert_eq!(status(&world, &chain(5)).await, None);
    let long = |bytes: usize| world.authority.issue_with(&long_params("plain.acme.test", bytes));
    assert_eq!(status(&world, &long(14_000)).await, Some(200));
    assert_eq!(status(&world, &long(17_000)).await, None);
}

#[tokio::test]
async fn certificates_count_as_memory_of_their_connection() {
    let world = World::new().await;
    let identity = world.authority.issue_with(&long_params("plain.acme.test", 10_000));
    let plain = world.caller(("shop", "plain"), Some(&identity)).await;
    let memory = &world.app.app.config.memory;
    assert!(memory.used() < 10_000, "{}", memory.used());
    let (status, tokens) = plain.client_credentials(&[]).await;
    assert_eq!(status, 200, "{tokens}");
    // The connection stays open for further requests.
    assert!(memory.used() > 15_000, "{}", memory.used());
}

#[tokio::test]
async fn an_address_has_its_connections_at_all_ports_together() {
    let limits = ServerLimits { connections_of_address: 2, ..ServerLimits::default() };
    let config = ServerConfig::new(TrustedProxies::default(), limits);
    let world = World::with(config).await;
    let mut held = Vec::new();
    while held.len() < 2 {
        held.extend(open(&world).await);
    }
    let url = format!("https://localhost:{}/", world.app.mutual_tls_port());
    world.http(None).get(&url).send().await.expect_err("no place is left");
    held.clear();
    // The server notices the closed connections soon.
    while world.http(None).get(&url).send().await.is_err() {
        tokio::task::yield_now().await;
    }
}

/// A connection to the ordinary port that is in use, unless its address has too many.
async fn open(world: &World) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(world.app.address).await.expect("connected");
    let request = b"GET /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(request).await.ok()?;
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.ok()?;
    assert_eq!(&start, b"HTTP/1.1 404");
    Some(stream)
}

#[tokio::test]
async fn faults_of_a_request_are_json_where_certificates_are_presented() {
    let world = World::new().await;
    let header = CertificateHeader::new("client-cert", CertificateFormat::Rfc9440);
    let of_proxy = ConnectionCertificates::OfProxy(header.expect("a header"));
    let of_client = ConnectionCertificates::OfClient(None);
    let long = "a".repeat(33 * 1024);
    let file = "/_lanyard/style.css";
    for (certificates, path, (name, value), expected) in [
        (&of_client, "/default/shop/oauth/token", ("x-nothing", ""), 400),
        (&of_client, "/default/shop/oauth/token", ("x-long", &*long), 431),
        (&of_client, file, ("x-nothing", ""), 400),
        (&of_client, file, ("host", "localhost"), 404),
        (&of_proxy, file, ("client-cert", "malformed"), 400),
    ] {
        let request = http::Request::get(path).header("accept", "text/html").header(name, value);
        let request = request.body(Full::<Bytes>::default()).expect("a request");
        let peer = [127, 0, 0, 1].into();
        let connection = ConnectionInfo { peer, certificates: certificates.clone() };
        let response = world.app.app.answer(request, connection).await;
        let kind = response.headers()["content-type"].to_str().expect("ASCII");
        assert!(kind.starts_with("application/json"), "{path} {kind}");
        assert_eq!(response.status(), expected, "{path}");
    }
}
