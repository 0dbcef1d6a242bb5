//! A server of another site: an application or an attacker. It records requests and serves
//! pages whose content the request gives.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::form_urlencoded;

/// A running site, stopped at the end of the test.
pub struct Elsewhere {
    /// The origin, which a browser does not treat as the same site as `127.0.0.1`.
    pub origin: String,
    noted: Arc<Mutex<Vec<String>>>,
}

impl Elsewhere {
    pub async fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let noted = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&noted);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let notes = Arc::clone(&notes);
                // A browser may close its connection early.
                tokio::spawn(async move { drop(answer(connection, &notes).await) });
            }
        });
        Self { origin: format!("http://localhost:{port}"), noted }
    }

    /// The URL of a page with this body.
    pub fn page(&self, body: &str) -> String {
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("body", body).finish();
        format!("{}/page?{query}", self.origin)
    }

    /// A page that frames a URL and collects the messages of its frames in `heard`.
    pub fn framing(&self, url: &str) -> String {
        let url = url.replace('&', "&amp;").replace('"', "&quot;");
        self.page(&format!(
            "<script>heard = []; onmessage = e => heard.push([e.origin, e.data]);</script>\
             <iframe src=\"{url}\"></iframe>"
        ))
    }

    /// Recorded requests whose request line starts with the given text, each followed by its body.
    pub fn asked(&self, line: &str) -> Vec<String> {
        let noted = self.noted.lock().expect("not poisoned");
        noted.iter().filter(|it| it.starts_with(line)).cloned().collect()
    }
}

async fn answer(mut connection: TcpStream, notes: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 8192]);
    let (head, length) = loop {
        let read = connection.read(&mut chunk).await?;
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase();
            let length = length.split("content-length: ").nth(1).and_then(|it| it.lines().next());
            break (head.to_owned(), length.and_then(|it| it.trim().parse().ok()).unwrap_or(0));
        }
        if read == 0 {
            return Ok(());
        }
    };
    while bytes.len() < head.len() + 4 + length {
        let read = connection.read(&mut chunk).await?;
        bytes.extend_from_slice(&chunk[..read]);
        if read == 0 {
            return Ok(());
        }
    }
    let body = String::from_utf8_lossy(&bytes[head.len() + 4..]).into_owned();
    let line = head.lines().next().unwrap_or_default();
    notes.lock().expect("not poisoned").push(format!("{line}\n{body}"));
    connection.write_all(reply(line).as_bytes()).await
}

/// `/page` returns the body in its query, `/onward` redirects to an application's private scheme, and
/// any other path posts its URL to the page that frames it.
fn reply(line: &str) -> String {
    let path = line.split(' ').nth(1).unwrap_or_default();
    if path.starts_with("/onward") {
        return "HTTP/1.1 302 Found\r\nlocation: com.example.app:/done\r\ncontent-length: 0\r\n\
                connection: close\r\n\r\n"
            .to_owned();
    }
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let body = pairs.find(|(name, _)| path.starts_with("/page?") && name == "body");
    let body = body.map_or_else(
        || {
            "<h1>Elsewhere</h1><script>if (parent !== window) parent.postMessage(location.href, '*');\
             </script>"
                .to_owned()
        },
        |(_, body)| body.into_owned(),
    );
    let body = format!("<!doctype html><title>Elsewhere</title>{body}");
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
}
