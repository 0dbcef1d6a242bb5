//! The least an HTTP server can do: hyper, one thread, the same answer to every request.

use std::convert::Infallible;

use anyhow::Result;
use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::http::{Http, TargetUrl, trust};

/// Serve what `like` answers, at a free port of this machine, which is printed.
///
/// # Errors
///
/// `like` does not answer, or no port is free.
pub async fn serve(like: &str) -> Result<()> {
    let model = Http::new(trust(None)?).get(&TargetUrl::parse(like)?, HeaderMap::new()).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let answer = move || {
        let mut answer = Response::new(Full::<Bytes>::from(model.body.clone()));
        *answer.status_mut() = model.status;
        *answer.headers_mut() = model.headers.clone();
        answer
    };
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answer = answer.clone();
        let service = service_fn(move |_| std::future::ready(Ok::<_, Infallible>(answer())));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
