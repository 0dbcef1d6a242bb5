//! The memory that clients of one address can make the server use.

use std::{fs, future::Future, net::IpAddr, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{HeaderName, HeaderValue, Request, header};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{body::Frame, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use lanyard::http::ServerLimits;
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet};

use crate::support::dev::Dev;

/// HTTP/2 streams of each connection.
const STREAMS: usize = 32;
/// The most memory that all connections of an address may cost together: 4 MiB for what they send
/// and do not read and for their streams, about 30 KiB for each connection, and what the allocator
/// keeps. Without limits 280 connections took 646 MiB.
const MAX_GROWTH_KIB: usize = 24 * 1024;

/// Connections of the attacker: as many as an address may have by default.
fn connections() -> usize {
    ServerLimits::default().connections_of_address
}

type Body = BoxBody<Bytes, std::convert::Infallible>;

/// A figure of the process in KiB.
fn memory(dev: &Dev, name: &str) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", dev.id())).expect("Linux");
    let line = status.lines().find(|line| line.starts_with(name)).expect("a figure");
    line.split_whitespace().nth(1).and_then(|figure| figure.parse().ok()).expect("a number")
}

/// A body that sends this and never ends.
fn endless(part: Bytes) -> Body {
    let part = Ok(Frame::data(part));
    BodyExt::boxed(StreamBody::new(stream::once(async { part }).chain(stream::pending())))
}

/// A request with many header fields, which HTTP/2 sends in a few bytes each.
fn with_many_fields(mut request: Request<Body>) -> Request<Body> {
    for number in 0..700 {
        let name = format!("a{number}").parse::<HeaderName>().expect("a name");
        request.headers_mut().insert(name, HeaderValue::from_static(""));
    }
    request
}

fn empty() -> Body {
    BodyExt::boxed(Full::default())
}

/// A connection of an attacker that sends a request on each stream, and reads nothing if `window`
/// is 0.
async fn attack(address: String, window: u32, request: impl Fn() -> Request<Body> + Send) {
    let stream = TcpStream::connect(&address).await.expect("connected");
    let handshake = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(window)
        .handshake(TokioIo::new(stream));
    let Ok((mut sender, connection)) = handshake.await else { return };
    let driven = tokio::spawn(connection);
    let mut answers = Vec::new();
    for _ in 0..STREAMS {
        if sender.ready().await.is_err() {
            break;
        }
        answers.push(tokio::spawn(sender.send_request(request())));
    }
    // The responses are held without being read.
    let held = futures::future::join_all(answers);
    let _held = tokio::time::timeout(Duration::from_secs(4), held).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    driven.abort();
}

/// A connection of an attacker that sends bytes and waits.
async fn send(address: String, bytes: Vec<u8>) {
    let mut stream = TcpStream::connect(&address).await.expect("connected");
    let _ = stream.write_all(&bytes).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
}

/// Runs an attack on many connections; returns by how much memory grew at its peak.
async fn growth<F>(dev: &Dev, name: &str, connection: impl Fn() -> F) -> usize
where
    F: Future<Output = ()> + Send + 'static,
{
    fs::write(format!("/proc/{}/clear_refs", dev.id()), "5").expect("resets the peak");
    let (before, code_before) = (memory(dev, "VmRSS:"), memory(dev, "RssFile:"));
    let mut attackers: JoinSet<()> = (0..connections()).map(|_| connection()).collect();
    tokio::time::sleep(Duration::from_secs(3)).await;
    // Another client is served in the meantime.
    let elsewhere: IpAddr = [127, 0, 0, 2].into();
    let client = reqwest::Client::builder().local_address(elsewhere).build().expect("a client");
    let issuer = dev.base_url.replace("localhost", "127.0.0.1");
    let host = dev.base_url.trim_start_matches("http://");
    let url = format!("{issuer}/default/quickstart/oauth/jwks");
    let mut served = None;
    for _ in 0..3 {
        served = client.get(&url).header(header::HOST, host).send().await.ok();
        if served.is_some() {
            break;
        }
    }
    let answer = served.unwrap_or_else(|| panic!("no answer during {name}:\n{}", dev.output()));
    assert_eq!(answer.status(), 200, "{name}");
    while attackers.join_next().await.is_some() {}
    // Pages of the binary that ran for the first time cost a client nothing.
    let code = memory(dev, "RssFile:").saturating_sub(code_before);
    let growth = memory(dev, "VmHWM:").saturating_sub(before + code);
    println!("{name}: {growth} KiB, and {code} KiB of code");
    growth
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_cannot_take_more_than_a_few_mib() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let dev = Dev::start(std::path::Path::new("examples/quickstart"));
    dev.awaits("Open  ").await;
    let address = dev.base_url.replace("http://localhost", "127.0.0.1");
    let issuer = format!("{}/default/quickstart", dev.base_url);
    let part = Bytes::from(vec![b'a'; 60 * 1024]);
    let large = "a".repeat(28 * 1024);
    let form = "application/x-www-form-urlencoded";
    let post = {
        let issuer = issuer.clone();
        move |head: &str, body| {
            Request::post(format!("{issuer}/oauth/token"))
                .header(header::CONTENT_TYPE, form)
                .header("x-large", head)
                .body(body)
                .expect("a request")
        }
    };
    let page =
        move || Request::get(format!("{issuer}/oauth/authorize")).body(empty()).expect("a request");
    let http1 = format!("POST /default/quickstart/oauth/token HTTP/1.1\r\nhost: {address}\r\n");
    let head = format!("{http1}x: {large}");
    let body = format!("{http1}content-length: 65000\r\n\r\n{}", "a".repeat(60 * 1024));
    let mut grown = Vec::new();
    let bodies = || {
        let (address, post, part) = (address.clone(), post.clone(), part.clone());
        attack(address, 65_535, move || post("", endless(part.clone())))
    };
    grown.push(growth(&dev, "bodies", bodies).await);
    let heads = || {
        let (address, post, large) = (address.clone(), post.clone(), large.clone());
        attack(address, 65_535, move || post(&large, endless(Bytes::from("a"))))
    };
    grown.push(growth(&dev, "heads", heads).await);
    let fields = || {
        let (address, post) = (address.clone(), post.clone());
        attack(address, 65_535, move || with_many_fields(post("", endless(Bytes::from("a")))))
    };
    grown.push(growth(&dev, "fields", fields).await);
    grown.push(growth(&dev, "unread", || attack(address.clone(), 0, page.clone())).await);
    let heads = || send(address.clone(), head.clone().into_bytes());
    grown.push(growth(&dev, "HTTP/1 heads", heads).await);
    let bodies = || send(address.clone(), body.clone().into_bytes());
    grown.push(growth(&dev, "HTTP/1 bodies", bodies).await);
    for grown in grown {
        assert!(grown < MAX_GROWTH_KIB, "{grown} KiB");
    }
}
