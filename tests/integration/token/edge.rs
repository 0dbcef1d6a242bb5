//! Limits and checks before any endpoint sees a request: sizes, timeouts, methods, hosts, connections.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use lanyard::{
    http::{ForwardedHeaders, ServerConfig, ServerLimits, TlsConfig, TrustedProxies},
    model::Clock as _,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};

use crate::support::app::{TestApp, write_pair};

const TENANT: &str = "
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: quick}
spec: {}
";

const TOKEN: &str = "/default/quick/oauth/token";
const METADATA: &str = "/default/quick/.well-known/openid-configuration";

/// A raw TCP connection.
struct Line(TcpStream);

impl Line {
    async fn open(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("connected"))
    }

    async fn write(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.expect("written");
    }

    /// Everything that the server sends until it closes the connection.
    async fn rest(mut self) -> String {
        let mut all = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(30), self.0.read_to_end(&mut all));
        // A reset after the answer also ends the connection.
        let _ = read.await.expect("it is closed in time");
        String::from_utf8_lossy(&all).into_owned()
    }

    /// The status line and headers of an answer, in lower case.
    async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.expect("the connection stays"));
        }
        String::from_utf8_lossy(&head).to_lowercase()
    }
}

fn ask(method: &str, path: &str, address: SocketAddr, more: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\n{more}\r\n")
}

fn body(answer: &str) -> Value {
    let text = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(text).unwrap_or_else(|_| panic!("no JSON: {answer}"))
}

#[tokio::test]
async fn slow_body_gets_408_and_its_connection_is_closed() {
    let limits =
        ServerLimits { body_timeout: Duration::from_millis(200), ..ServerLimits::default() };
    let app = TestApp::start_within(TENANT, limits).await;
    let mut line = Line::open(app.address).await;
    line.write(&ask("POST", TOKEN, app.address, "content-length: 100\r\n")).await;
    line.write("grant_type=").await;
    let answer = line.rest().await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let error = body(&answer);
    assert_eq!(error["error"], "invalid_request");
    assert!(error["error_description"].as_str().expect("text").contains("too long"), "{error}");
}

#[tokio::test]
async fn oversized_body_gets_413_and_its_connection_is_closed() {
    let app =
        TestApp::start_within(TENANT, ServerLimits { body: 10, ..ServerLimits::default() }).await;
    let mut line = Line::open(app.address).await;
    line.write(&ask("POST", TOKEN, app.address, "content-length: 11\r\n")).await;
    line.write("grant_type=").await;
    let answer = line.rest().await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert_eq!(body(&answer)["error"], "invalid_request");
}

#[tokio::test]
async fn connection_without_a_complete_head_is_closed() {
    let limits =
        ServerLimits { head_timeout: Duration::from_millis(200), ..ServerLimits::default() };
    let app = TestApp::start_within(TENANT, limits).await;
    for sent in ["", "G", "GET / HTTP/1.1\r\nhost: x\r\n", "PRI * HTTP/2.0\r\n"] {
        let mut line = Line::open(app.address).await;
        line.write(sent).await;
        let answer = line.rest().await;
        assert!(!answer.contains(" 200 "), "{sent:?}: {answer}");
    }
}

#[tokio::test]
async fn unsupported_method_gets_405_with_allow() {
    let app = TestApp::start(TENANT).await;
    let client = reqwest::Client::new();
    let answer = client.put(format!("{}/oauth/token", app.issuer("quick"))).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["allow"]),
        (405, &"POST".parse().expect("text"))
    );
    let error: Value = answer.json().await.expect("JSON for a program");
    assert_eq!(error["error"], "invalid_request");
    let answer = client.delete(format!("{}/login", app.issuer("quick"))).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status().as_u16(), 405);
    assert!(answer.text().await.expect("a page").contains("<html"), "a page for a browser");
}

#[tokio::test]
async fn metadata_supports_etags_and_head() {
    let app = TestApp::start(TENANT).await;
    let (client, url) = (reqwest::Client::new(), format!("{}{METADATA}", app.origin));
    let first = client.get(&url).send().await.expect("an answer");
    let tag = first.headers()["etag"].clone();
    let length = first.headers()["content-length"].clone();
    let again = client.get(&url).header("if-none-match", &tag).send().await.expect("an answer");
    assert_eq!((again.status().as_u16(), &again.headers()["etag"]), (304, &tag));
    assert_eq!(again.bytes().await.expect("read").len(), 0);
    let other = client.get(&url).header("if-none-match", "\"x\"").send().await.expect("an answer");
    assert_eq!(other.status().as_u16(), 200);
    let head = client.head(&url).send().await.expect("an answer");
    assert_eq!((head.status().as_u16(), &head.headers()["content-length"]), (200, &length));
    assert_eq!(head.bytes().await.expect("read").len(), 0);
}

#[tokio::test]
async fn shared_caches_store_documents_only_under_a_host_that_they_know() {
    // RFC 9111 §4.1, §5.2.2.7
    let networks = vec!["127.0.0.1/32".parse().expect("a network")];
    let trusted_proxies = TrustedProxies::new(networks, ForwardedHeaders::XForwarded);
    let config = ServerConfig { trusted_proxies, ..ServerConfig::default() };
    let app = TestApp::start_configured(TENANT, config).await;
    let issuer = app.issuer("quick");
    let host = issuer.split('/').nth(2).expect("a host").to_owned();
    let client = reqwest::Client::new();
    for path in ["/.well-known/openid-configuration", "/oauth/jwks"] {
        let asks = |headers: [(&'static str, &str); 1]| {
            let request = client.get(format!("{}/default/quick{path}", app.origin));
            headers.iter().fold(request, |it, (name, value)| it.header(*name, *value)).send()
        };
        for (header, scope) in
            [(("accept", "*/*"), "public"), (("x-forwarded-host", &*host), "private")]
        {
            let answer = asks([header]).await.expect("an answer");
            assert_eq!(answer.status().as_u16(), 200, "{header:?}");
            let headers = answer.headers();
            assert_eq!(headers["vary"], "host, forwarded, x-forwarded-host", "{path}");
            let cached = headers["cache-control"].to_str().expect("text");
            assert!(cached.starts_with(&format!("{scope}, max-age=")), "{header:?}: {cached}");
            let tag = headers["etag"].to_str().expect("text").to_owned();
            let again = asks([("if-none-match", &tag)]).await.expect("an answer");
            assert_eq!(again.status().as_u16(), 304, "{path}");
            assert_eq!(again.headers()["vary"], "host, forwarded, x-forwarded-host", "{path}");
        }
    }
}

#[tokio::test]
async fn cors_allows_public_documents_and_no_cookie_endpoints() {
    let app = TestApp::start(TENANT).await;
    let client = reqwest::Client::new();
    let asks = |path: &str| {
        client
            .request(reqwest::Method::OPTIONS, format!("{}{path}", app.issuer("quick")))
            .header("origin", "https://app.example")
            .header("access-control-request-method", "GET")
            .send()
    };
    for open in ["/.well-known/openid-configuration", "/oauth/jwks"] {
        let answer = asks(open).await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 204, "{open}");
        assert_eq!(answer.headers()["access-control-allow-origin"], "*", "{open}");
        assert!(answer.headers().get("access-control-allow-credentials").is_none(), "{open}");
    }
    for closed in ["/oauth/authorize", "/login", "/consent", "/oauth/logout"] {
        let answer = asks(closed).await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 405, "{closed}");
        assert!(answer.headers().get("access-control-allow-origin").is_none(), "{closed}");
    }
}

#[tokio::test]
async fn cors_allows_only_registered_origins() {
    // Fetch, "CORS-preflight fetch".
    let client = "
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: spa}
spec:
  tenantRef: {name: quick}
  redirectUris: [\"https://app.example/cb\"]
  allowedOrigins: [\"https://admin.example:8443\", \"capacitor://localhost\"]
  tokenEndpointAuthMethod: none
";
    let app = TestApp::start(&format!("{TENANT}---{client}")).await;
    let asks = |path: &str, origin: &'static str| {
        reqwest::Client::new()
            .request(reqwest::Method::OPTIONS, format!("{}{path}", app.issuer("quick")))
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization, dpop, traceparent")
            .send()
    };
    for path in ["/oauth/token", "/oauth/userinfo", "/oauth/revoke"] {
        for further in ["https://admin.example:8443", "capacitor://localhost"] {
            let answer = asks(path, further).await.expect("an answer");
            assert_eq!(answer.headers()["access-control-allow-origin"], further, "{path}");
        }
        let answer = asks(path, "https://app.example").await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 204, "{path}");
        let headers = answer.headers();
        assert_eq!(headers["access-control-allow-origin"], "https://app.example", "{path}");
        let allowed = |name: &str| headers[name].to_str().expect("ASCII").to_lowercase();
        assert!(allowed("access-control-allow-methods").contains("post"), "{path}");
        // A client with DPoP sends its proofs in a header (RFC 9449 §4.1).
        let asked = "authorization, dpop, traceparent";
        assert_eq!(allowed("access-control-allow-headers"), asked, "{path}");
        assert!(!headers.contains_key("access-control-allow-credentials"), "{path}");
        let other = asks(path, "https://evil.example").await.expect("an answer");
        assert!(!other.headers().contains_key("access-control-allow-origin"), "{path}");
    }
}

#[tokio::test]
async fn pages_may_register_clients_where_registration_is_open() {
    // RFC 7591 §3, Fetch "CORS-preflight fetch"
    let tenants = "
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: open}
spec: {registration: {mode: Open}}
---
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: guarded}
spec: {registration: {mode: InitialAccessToken, initialAccessTokenSecretRef: {name: initial}}}
---
apiVersion: v1
kind: Secret
metadata: {name: initial}
stringData: {token: an-initial-access-token}
";
    let app = TestApp::start(&format!("{TENANT}---{tenants}")).await;
    let asks = |tenant: &str, method: &'static str, path: &str| {
        reqwest::Client::new()
            .request(method.parse().expect("a method"), format!("{}{path}", app.issuer(tenant)))
            .header("origin", "https://page.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,mcp-protocol-version")
            .send()
    };
    for path in ["/oauth/register", "/oauth/register/team.x"] {
        let answer = asks("open", "OPTIONS", path).await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 204, "{path}");
        let headers = answer.headers();
        assert_eq!(headers["access-control-allow-origin"], "*", "{path}");
        assert_eq!(
            headers["access-control-allow-headers"], "content-type,mcp-protocol-version",
            "{path}"
        );
        assert!(!headers.contains_key("access-control-allow-credentials"), "{path}");
        for closed in ["quick", "guarded"] {
            let answer = asks(closed, "OPTIONS", path).await.expect("an answer");
            assert_eq!(answer.status().as_u16(), 405, "{closed} {path}");
            assert!(!answer.headers().contains_key("access-control-allow-origin"), "{closed}");
        }
    }
    // The page can read why its request was refused.
    let refused = asks("open", "POST", "/oauth/register").await.expect("an answer");
    assert_eq!(refused.status().as_u16(), 400);
    assert_eq!(refused.headers()["access-control-allow-origin"], "*");
    let refused = asks("guarded", "POST", "/oauth/register").await.expect("an answer");
    assert!(!refused.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn request_must_have_exactly_one_host() {
    let app = TestApp::start(TENANT).await;
    let host = app.address;
    for hosts in [String::new(), format!("host: {host}\r\nhost: evil.test\r\n")] {
        let mut line = Line::open(host).await;
        line.write(&format!("GET {METADATA} HTTP/1.1\r\n{hosts}connection: close\r\n\r\n")).await;
        let answer = line.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{hosts:?}: {answer}");
    }
}

#[tokio::test]
async fn connection_beyond_the_limit_waits_for_another_to_close() {
    let app =
        TestApp::start_within(TENANT, ServerLimits { connections: 1, ..ServerLimits::default() })
            .await;
    let mut first = Line::open(app.address).await;
    first.write(&ask("HEAD", METADATA, app.address, "")).await;
    assert!(first.head().await.starts_with("http/1.1 200 "));
    let mut second = Line::open(app.address).await;
    second.write(&ask("HEAD", METADATA, app.address, "")).await;
    let early = tokio::time::timeout(Duration::from_millis(200), second.head()).await;
    assert!(early.is_err(), "the limit is reached");
    drop(first);
    assert!(second.head().await.starts_with("http/1.1 200 "));
}

#[tokio::test]
async fn connections_beyond_the_limit_are_all_served_eventually() {
    let app =
        TestApp::start_within(TENANT, ServerLimits { connections: 4, ..ServerLimits::default() })
            .await;
    let request = ask("HEAD", METADATA, app.address, "connection: close\r\n");
    let served = (0..100).map(|_| async {
        let mut line = Line::open(app.address).await;
        line.write(&request).await;
        let head = line.head().await;
        (head, app.app.accounts.metrics.render(app.clock.now()))
    });
    for (head, metrics) in futures::future::join_all(served).await {
        assert!(head.starts_with("http/1.1 200 "), "{head}");
        let open = metrics.lines().find_map(|line| line.strip_prefix("lanyard_connections "));
        let open: u32 = open.expect("the metric exists").parse().expect("a number");
        assert!(open <= 4, "{open} connections were open at once");
    }
}

#[tokio::test]
async fn connection_beyond_the_limit_of_its_address_is_closed() {
    let limits = ServerLimits { connections_of_address: 1, ..ServerLimits::default() };
    let app = TestApp::start_within(TENANT, limits).await;
    let mut first = Line::open(app.address).await;
    first.write(&ask("HEAD", METADATA, app.address, "")).await;
    assert!(first.head().await.starts_with("http/1.1 200 "));
    assert_eq!(Line::open(app.address).await.rest().await, "", "closed without an answer");
    first.write(&ask("HEAD", METADATA, app.address, "connection: close\r\n")).await;
    assert!(first.rest().await.starts_with("HTTP/1.1 200 "), "the first connection stays open");
    // The place of a closed connection is free a moment later.
    let client = reqwest::Client::new();
    let answered =
        async { while client.get(format!("{}{METADATA}", app.origin)).send().await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(30), answered).await.expect("the place is free again");
}

#[tokio::test]
async fn shutdown_finishes_requests_in_flight_and_accepts_no_connections() {
    let app = TestApp::start(TENANT).await;
    let mut idle = Line::open(app.address).await;
    idle.write(&ask("HEAD", METADATA, app.address, "")).await;
    idle.head().await;
    let mut in_flight = Line::open(app.address).await;
    let more = "content-length: 12\r\nexpect: 100-continue\r\n";
    in_flight.write(&ask("POST", TOKEN, app.address, more)).await;
    assert!(in_flight.head().await.starts_with("http/1.1 100 "), "the request has begun");
    in_flight.write("grant_").await;
    app.stop();
    while TcpStream::connect(app.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(idle.rest().await, "", "an idle connection is closed");
    in_flight.write("type=a").await;
    let answer = in_flight.rest().await;
    assert!(answer.starts_with("HTTP/1.1 40"), "answered to the end: {answer}");
    assert!(body(&answer)["error"].is_string());
}

#[tokio::test]
async fn http_2_works_with_prior_knowledge() {
    let app = TestApp::start(TENANT).await;
    let client = reqwest::Client::builder().http2_prior_knowledge().build().expect("a client");
    let answer = client.get(format!("{}{METADATA}", app.origin)).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.version()), (200, reqwest::Version::HTTP_2));
}

/// An HTTP/2 connection, and the task that drives it, which ends with the connection.
async fn http_2(
    address: SocketAddr,
) -> (http2::SendRequest<Empty<Bytes>>, JoinHandle<hyper::Result<()>>) {
    let stream = TokioIo::new(TcpStream::connect(address).await.expect("connected"));
    let (send, connection) =
        http2::handshake(TokioExecutor::new(), stream).await.expect("HTTP/2 is spoken");
    (send, tokio::spawn(connection))
}

fn of(method: &str, app: &TestApp) -> Request<Empty<Bytes>> {
    let uri = format!("{}{METADATA}", app.origin);
    Request::builder().method(method).uri(uri).body(Empty::new()).expect("a request")
}

// Types of HTTP/2 frames (RFC 9113 §6).
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;

/// A frame of HTTP/2 (RFC 9113 §4.1): type, flags, stream and payload.
type Frame = (u8, u8, u32, Vec<u8>);

impl Line {
    async fn send_frame(&mut self, (kind, flags, stream, payload): Frame) {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        self.0.write_all(&[head, payload].concat()).await.expect("written");
    }

    async fn frame(&mut self) -> Frame {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.expect("a frame");
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).expect("short")];
        self.0.read_exact(&mut payload).await.expect("its payload");
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        (head[3], head[4], stream, payload)
    }
}

/// The header block of a POST to the token endpoint (RFC 7541 §6), whose body is to follow.
fn post_block(address: SocketAddr) -> Vec<u8> {
    let authority = address.to_string();
    let form = "application/x-www-form-urlencoded";
    // :method POST, :scheme http
    let mut block = vec![0x83, 0x86];
    // :path, :authority and content-type by their index, without indexing of the value.
    for (index, value) in [(&[0x04][..], TOKEN), (&[0x01], &authority), (&[0x0f, 0x10], form)] {
        block.extend_from_slice(index);
        block.push(u8::try_from(value.len()).expect("short"));
        block.extend_from_slice(value.as_bytes());
    }
    block
}

#[tokio::test]
async fn http_2_windows_and_streams_are_bounded() {
    // RFC 9113 §6.5.2, §5.1.2
    let app = TestApp::start(TENANT).await;
    let mut line = Line::open(app.address).await;
    line.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    line.send_frame((SETTINGS, 0, 0, Vec::new())).await;
    line.send_frame((PING, 0, 0, vec![0; 8])).await;
    let mut settings = BTreeMap::new();
    loop {
        match line.frame().await {
            (SETTINGS, 0, 0, payload) => settings.extend(payload.chunks(6).map(|it| {
                (
                    u16::from_be_bytes([it[0], it[1]]),
                    u32::from_be_bytes([it[2], it[3], it[4], it[5]]),
                )
            })),
            (WINDOW_UPDATE, ..) => panic!("the connection's window is larger than 65,535"),
            (PING, 1, ..) => break,
            _ => {}
        }
    }
    let (streams, window, head) = (settings[&3], settings[&4], settings[&6]);
    assert_eq!((streams, window, head), (32, 32 * 1024, 32 * 1024), "{settings:?}");

    // A stream beyond them is refused.
    let stream = |number: u32| 2 * number + 1;
    for number in 0..=streams {
        line.send_frame((HEADERS, 4, stream(number), post_block(app.address))).await;
    }
    let refused = async {
        loop {
            let (kind, _, stream, payload) = line.frame().await;
            if kind == RST_STREAM {
                return (stream, payload);
            }
            assert_ne!(kind, HEADERS, "an answer before the body");
        }
    };
    let (found, code) =
        tokio::time::timeout(Duration::from_secs(10), refused).await.expect("it is refused");
    assert_eq!((found, code), (stream(streams), vec![0, 0, 0, 7]), "REFUSED_STREAM");
}

#[tokio::test]
async fn http_2_host_must_match_the_authority() {
    // RFC 9113 §8.3.1
    let app = TestApp::start(TENANT).await;
    let (mut send, _connection) = http_2(app.address).await;
    for (host, status) in [(app.address.to_string(), 200), ("evil.test".to_owned(), 400)] {
        let mut request = of("GET", &app);
        request.headers_mut().insert("host", host.parse().expect("a value"));
        let answer = send.send_request(request).await.expect("an answer");
        assert_eq!(answer.status(), status, "{host}");
    }
}

#[tokio::test]
async fn head_over_http_2_has_no_body() {
    // RFC 9110 §9.3.2
    let app = TestApp::start(TENANT).await;
    let (mut send, _connection) = http_2(app.address).await;
    let whole = send.send_request(of("GET", &app)).await.expect("an answer");
    let whole = whole.into_body().collect().await.expect("a body").to_bytes();
    let head = send.send_request(of("HEAD", &app)).await.expect("an answer");
    assert_eq!(head.headers()["content-length"], whole.len().to_string());
    assert!(head.into_body().collect().await.expect("its end").to_bytes().is_empty());
}

#[tokio::test]
async fn idle_http_2_connection_is_closed_though_it_answers_pings() {
    let limits =
        ServerLimits { head_timeout: Duration::from_millis(300), ..ServerLimits::default() };
    let app = TestApp::start_within(TENANT, limits).await;
    let (mut send, connection) = http_2(app.address).await;
    assert_eq!(send.send_request(of("GET", &app)).await.expect("an answer").status(), 200);
    let ended = tokio::time::timeout(Duration::from_secs(30), connection).await;
    ended.expect("it is closed in time").expect("driven").expect("a GOAWAY before");
}

#[tokio::test]
async fn connection_that_does_not_read_its_answers_is_closed() {
    let limits =
        ServerLimits { head_timeout: Duration::from_millis(300), ..ServerLimits::default() };
    let app = TestApp::start_within(TENANT, limits).await;
    let mut greedy = TcpStream::connect(app.address).await.expect("connected");
    let request = ask("GET", METADATA, app.address, "").repeat(100);
    let asking = async { while greedy.write_all(request.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(30), asking).await.expect("the connection is closed");
}

#[tokio::test]
async fn shutdown_closes_connections_without_a_request_at_once() {
    let patient = Duration::from_mins(10);
    let app = TestApp::start_within(
        TENANT,
        ServerLimits { head_timeout: patient, ..ServerLimits::default() },
    );
    let app = app.await;
    let silent = Line::open(app.address).await;
    let mut served = Line::open(app.address).await;
    served.write(&ask("HEAD", METADATA, app.address, "")).await;
    // Connections are accepted in order, so the silent one has been accepted too.
    served.head().await;
    app.stop();
    assert_eq!(silent.rest().await, "", "the connection is closed at once");
}

#[tokio::test]
async fn renewed_certificate_is_used_without_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let first = write_pair(&certificate, &key);
    let tls = Arc::new(TlsConfig::load(&certificate, &key).expect("a pair"));
    // The files change after they were read and before they are watched.
    let second = write_pair(&certificate, &key);
    let app = TestApp::start_tls(TENANT, Arc::clone(&tls)).await;
    let believes = |pem: &str| {
        let root = reqwest::Certificate::from_pem(pem.as_bytes()).expect("a certificate");
        let builder = reqwest::Client::builder().tls_certs_only([root]).pool_max_idle_per_host(0);
        builder.resolve("id.test", app.address).build().expect("a client")
    };
    let url = format!("https://id.test:{}/", app.address.port());
    believes(&first).get(&url).send().await.expect("the first certificate is used");
    let watching = tokio::spawn(tls.watch(Arc::default()));
    let (old, new) = (believes(&first), believes(&second));
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while new.get(&url).send().await.is_err() {
        assert!(tokio::time::Instant::now() < deadline, "the second certificate is never used");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(old.get(&url).send().await.is_err(), "the first certificate is not used any more");
    // If a renewal is incomplete or the key is invalid, the last valid pair stays in use.
    std::fs::write(&key, "nonsense").expect("written");
    new.get(&url).send().await.expect("the second certificate is still used");
    watching.abort();
}
