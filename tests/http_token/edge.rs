//! What is answered before any endpoint sees a request: sizes, times, methods, hosts, connections.

use std::{net::SocketAddr, time::Duration};

use lanyard::http::Limits;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::app::TestApp;

const TENANT: &str = "
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: quick}
spec: {}
";

const TOKEN: &str = "/default/quick/oauth/token";
const METADATA: &str = "/default/quick/.well-known/openid-configuration";

/// One connection, as bytes.
struct Line(TcpStream);

impl Line {
    async fn open(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("connected"))
    }

    async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.expect("written");
    }

    /// Everything until the server closes.
    async fn rest(mut self) -> String {
        let mut all = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(30), self.0.read_to_end(&mut all));
        // A reset after the answer is an end as well.
        let _ = read.await.expect("it is closed in time");
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Up to the end of an answer's headers.
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
async fn a_body_that_does_not_arrive_in_time_is_told_so_and_its_connection_ends() {
    let limits = Limits { body_timeout: Duration::from_millis(200), ..Limits::default() };
    let app = TestApp::start_within(TENANT, limits).await;
    let mut line = Line::open(app.address).await;
    line.say(&ask("POST", TOKEN, app.address, "content-length: 100\r\n")).await;
    line.say("grant_type=").await;
    let answer = line.rest().await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let said = body(&answer);
    assert_eq!(said["error"], "invalid_request");
    assert!(said["error_description"].as_str().expect("text").contains("too long"), "{said}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_told_so_and_its_connection_ends() {
    let app = TestApp::start_within(TENANT, Limits { body: 10, ..Limits::default() }).await;
    let mut line = Line::open(app.address).await;
    line.say(&ask("POST", TOKEN, app.address, "content-length: 11\r\n")).await;
    line.say("grant_type=").await;
    let answer = line.rest().await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert_eq!(body(&answer)["error"], "invalid_request");
}

#[tokio::test]
async fn a_head_that_does_not_arrive_in_time_ends_its_connection() {
    let limits = Limits { head_timeout: Duration::from_millis(200), ..Limits::default() };
    let app = TestApp::start_within(TENANT, limits).await;
    for said in ["", "G", "GET / HTTP/1.1\r\nhost: x\r\n", "PRI * HTTP/2.0\r\n"] {
        let mut line = Line::open(app.address).await;
        line.say(said).await;
        let answer = line.rest().await;
        assert!(!answer.contains(" 200 "), "{said:?}: {answer}");
    }
}

#[tokio::test]
async fn a_method_that_an_endpoint_does_not_take_is_told_which_it_takes() {
    let app = TestApp::start(TENANT).await;
    let client = reqwest::Client::new();
    let answer = client.put(format!("{}/oauth/token", app.issuer("quick"))).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["allow"]),
        (405, &"POST".parse().expect("text"))
    );
    let said: Value = answer.json().await.expect("JSON for a program");
    assert_eq!(said["error"], "invalid_request");
    let answer = client.delete(format!("{}/login", app.issuer("quick"))).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status().as_u16(), 405);
    assert!(answer.text().await.expect("a page").contains("<html"), "a page for a person");
}

#[tokio::test]
async fn metadata_is_read_again_only_if_it_changed_and_has_a_head() {
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
async fn scripts_of_other_sites_may_read_what_is_public_and_nothing_that_a_cookie_opens() {
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
async fn a_request_names_one_host() {
    let app = TestApp::start(TENANT).await;
    let host = app.address;
    for hosts in [String::new(), format!("host: {host}\r\nhost: evil.test\r\n")] {
        let mut line = Line::open(host).await;
        line.say(&format!("GET {METADATA} HTTP/1.1\r\n{hosts}connection: close\r\n\r\n")).await;
        let answer = line.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{hosts:?}: {answer}");
    }
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_served_when_another_ends() {
    let app = TestApp::start_within(TENANT, Limits { connections: 1, ..Limits::default() }).await;
    let mut first = Line::open(app.address).await;
    first.say(&ask("HEAD", METADATA, app.address, "")).await;
    assert!(first.head().await.starts_with("http/1.1 200 "));
    let mut second = Line::open(app.address).await;
    second.say(&ask("HEAD", METADATA, app.address, "")).await;
    let early = tokio::time::timeout(Duration::from_millis(200), second.head()).await;
    assert!(early.is_err(), "the only place is taken");
    drop(first);
    assert!(second.head().await.starts_with("http/1.1 200 "));
}

#[tokio::test]
async fn a_server_that_stops_finishes_what_is_in_flight_and_takes_nothing_new() {
    let app = TestApp::start(TENANT).await;
    let mut idle = Line::open(app.address).await;
    idle.say(&ask("HEAD", METADATA, app.address, "")).await;
    idle.head().await;
    let mut in_flight = Line::open(app.address).await;
    let more = "content-length: 12\r\nexpect: 100-continue\r\n";
    in_flight.say(&ask("POST", TOKEN, app.address, more)).await;
    assert!(in_flight.head().await.starts_with("http/1.1 100 "), "it has begun");
    in_flight.say("grant_").await;
    app.stop();
    while TcpStream::connect(app.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(idle.rest().await, "", "who asks nothing is let go");
    in_flight.say("type=a").await;
    let answer = in_flight.rest().await;
    assert!(answer.starts_with("HTTP/1.1 40"), "answered to the end: {answer}");
    assert!(body(&answer)["error"].is_string());
}

#[tokio::test]
async fn http_2_is_spoken_to_who_begins_with_it() {
    let app = TestApp::start(TENANT).await;
    let client = reqwest::Client::builder().http2_prior_knowledge().build().expect("a client");
    let answer = client.get(format!("{}{METADATA}", app.origin)).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.version()), (200, reqwest::Version::HTTP_2));
}
