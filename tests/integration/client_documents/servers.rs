//! Servers of documents that are slow, send too much, redirect, or are inside the network: each costs one fetch.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    app::TestApp,
    browser::{Application, Browser, Page},
    tls::TlsServer,
    world::{MANIFESTS, assert_page, document},
};

const JSON: &str = "content-type: application/json\r\n";

/// A server with a document at each path, and the number of its connections.
async fn server() -> (TlsServer, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let server = TlsServer::start(2099, move |mut stream| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            let mut head = vec![0; 4096];
            let length = stream.read(&mut head).await.unwrap_or_default();
            let head = String::from_utf8_lossy(&head[..length]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let host =
                head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
            let body = document(&format!("https://{host}{path}")).to_string();
            let answer = |fields: &str, body: &str| {
                format!("HTTP/1.1 200 OK\r\n{fields}content-length: {}\r\n\r\n{body}", body.len())
            };
            let answer = match path.as_str() {
                "/slow" => {
                    let _ =
                        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{").await;
                    std::future::pending::<()>().await;
                    return;
                }
                "/redirect" => {
                    "HTTP/1.1 302 Found\r\nlocation: /good\r\ncontent-length: 0\r\n\r\n".to_owned()
                }
                // Without an end.
                "/huge" => format!("HTTP/1.1 200 OK\r\n\r\n{}", " ".repeat(1 << 20)),
                "/untyped" => answer("", &body),
                "/text" => answer("content-type: text/plain\r\n", &body),
                "/short-lived" => answer(&format!("{JSON}cache-control: no-store\r\n"), &body),
                "/long-lived" => {
                    answer(&format!("{JSON}cache-control: max-age=1000000\r\n"), &body)
                }
                _ => answer("content-type: application/vnd.client+json; charset=utf-8\r\n", &body),
            };
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    })
    .await;
    (server, asked)
}

async fn open(app: &TestApp, url: &str) -> Page {
    let redirect = "http://127.0.0.1/cb";
    let notes = Application::discover(&app.issuer("any"), url, None, redirect).await;
    Browser::new().open(&notes.authorize_url("openid", &[])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_document_that_cannot_be_fetched_costs_one_bounded_fetch() {
    let (server, asked) = server().await;
    let app = TestApp::start_trusting(MANIFESTS, &server.certificate).await;
    let at = |path: &str| format!("https://localhost:{}/{path}", server.port);
    let page = open(&app, &at("good")).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains(&format!("<strong>localhost:{}</strong>", server.port)));
    for (path, words) in [
        ("redirect", "must be delivered with status 200, without a redirect"),
        ("huge", "is larger than 5 KiB"),
        ("text", "not served as application/json"),
        ("untyped", "not served as application/json"),
        ("slow", "was not delivered in time"),
    ] {
        let before = asked.load(Ordering::SeqCst);
        assert_page(&open(&app, &at(path)).await, words);
        assert_eq!(asked.load(Ordering::SeqCst) - before, 1, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_inside_the_network_are_not_fetched() {
    let (server, asked) = server().await;
    let app = TestApp::start_guarded(MANIFESTS).await;
    for host in ["localhost", "127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254"] {
        let page = open(&app, &format!("https://{host}:{}/good", server.port)).await;
        assert_page(&page, "has an address that this service does not call");
        assert!(!page.body.contains("fetch-allow"), "{}", page.body);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_cached_for_a_minute_at_least() {
    let (server, asked) = server().await;
    let app = TestApp::start_trusting(MANIFESTS, &server.certificate).await;
    let url = format!("https://localhost:{}/short-lived", server.port);
    for _ in 0..3 {
        assert_eq!(open(&app, &url).await.status, 200);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    app.clock.advance(std::time::Duration::from_secs(61));
    assert_eq!(open(&app, &url).await.status, 200);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_cached_for_a_day_at_most() {
    let (server, asked) = server().await;
    let app = TestApp::start_trusting(MANIFESTS, &server.certificate).await;
    let url = format!("https://localhost:{}/long-lived", server.port);
    let day = 24 * 60 * 60;
    for (seconds, fetches) in [(0, 1), (day - 1, 1), (1, 2)] {
        app.clock.advance(std::time::Duration::from_secs(seconds));
        assert_eq!(open(&app, &url).await.status, 200);
        assert_eq!(asked.load(Ordering::SeqCst), fetches, "{seconds} s later");
    }
}
