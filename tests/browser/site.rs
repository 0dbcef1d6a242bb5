//! A server of rendered pages and of the assets that they link.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use lanyard::http::pages::static_asset;

use super::gallery::{self, Page};

/// A running server, stopped at the end of the test.
pub struct Site {
    origin: String,
    names: Vec<String>,
}

impl Site {
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The URL of a page.
    pub fn page(&self, name: &str) -> String {
        format!("{}/page/{name}", self.origin)
    }
}

/// Serves the pages that `pages` renders for the server's origin, which also serves the logos.
pub fn serve(pages: fn(&str) -> Vec<Page>) -> Site {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let origin = format!("http://{}", listener.local_addr().expect("is bound"));
    let pages: BTreeMap<_, _> =
        pages(&origin).into_iter().map(|page| (page.name.clone(), page)).collect();
    let names = pages.keys().cloned().collect();
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // A browser may close its connection early.
            let _ = answer(connection, &pages);
        }
    });
    Site { origin, names }
}

fn answer(mut connection: TcpStream, pages: &BTreeMap<String, Page>) -> std::io::Result<()> {
    let mut lines = BufReader::new(connection.try_clone()?).lines();
    let request = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let (content_type, body) = route(path, pages).unwrap_or(("text/plain", String::new()));
    write!(
        connection,
        "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
}

fn route(path: &str, pages: &BTreeMap<String, Page>) -> Option<(&'static str, String)> {
    let html = "text/html; charset=utf-8";
    if let Some(name) = path.strip_prefix("/page/") {
        return pages.get(name).map(|page| (html, page.html.clone()));
    }
    if path == "/logo.svg" {
        return Some(("image/svg+xml", gallery::LOGO.to_owned()));
    }
    // /<tenant>/_lanyard/<file>, and /_lanyard/<file> for pages without a tenant
    let (tenant, file) = path.split_once("/_lanyard/")?;
    let tenant = tenant.strip_prefix('/').map(gallery::tenant_named);
    static_asset(file, tenant.as_ref()).map(|asset| (asset.content_type, asset.body))
}
