//! Sends one request on one connection.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{CallResponse, FetchError, FetchedDocument};
use crate::model::ErrorCause;

/// Sends a request. A task drives the connection until the response's body was read or dropped.
pub(crate) async fn send_request<S>(
    stream: S,
    host: &str,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, FetchError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let broken = |error: hyper::Error| FetchError::Broken(host.to_owned(), ErrorCause::new(error));
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(64)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    // The task ends with the response: the request sets `Connection: close`, and no other follows.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    sender.send_request(request).await.map_err(broken)
}

/// Reads a response with any status and a body of at most `limit` bytes.
pub(super) async fn read_any_response(
    response: Response<Incoming>,
    host: &str,
    limit: usize,
) -> Result<CallResponse, FetchError> {
    let (head, body) = response.into_parts();
    let links = head.headers.get_all(header::LINK).iter();
    let next = links.filter_map(|link| link.to_str().ok()).find_map(next_link);
    Ok(CallResponse {
        status: head.status.as_u16(),
        content_type: content_type(&head.headers),
        next,
        github_sso: text(&head.headers, "x-github-sso"),
        body: read_body(body, host, limit).await?,
    })
}

/// The target of `rel="next"` (RFC 8288 §3).
fn next_link(header: &str) -> Option<String> {
    let next = |link: &&str| link.contains("rel=\"next\"");
    let link = header.split(',').find(next)?;
    let target = link.split_once('<')?.1.split_once('>')?.0;
    Some(target.to_owned())
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(|value| value.trim().to_ascii_lowercase())
}

async fn read_body(body: Incoming, host: &str, limit: usize) -> Result<Bytes, FetchError> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(FetchError::TooLarge(host.to_owned(), limit))
        }
        Err(error) => Err(FetchError::Broken(host.to_owned(), ErrorCause::new(error))),
    }
}

/// Reads a document of at most `limit` bytes.
pub(super) async fn read_response(
    response: Response<Incoming>,
    host: &str,
    limit: usize,
) -> Result<FetchedDocument, FetchError> {
    let (head, body) = response.into_parts();
    if head.status != StatusCode::OK {
        return Err(FetchError::Status(host.to_owned(), head.status.as_u16()));
    }
    let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    let content_type = content_type(&head.headers);
    let max_age = text(header::CACHE_CONTROL).and_then(max_age);
    Ok(FetchedDocument { body: read_body(body, host, limit).await?, content_type, max_age })
}

/// How long a response may be cached (RFC 9111 §5.2.2).
fn max_age(cache_control: &str) -> Option<Duration> {
    let directives = || cache_control.split(',').map(str::trim);
    if directives()
        .any(|it| it.eq_ignore_ascii_case("no-store") || it.eq_ignore_ascii_case("no-cache"))
    {
        return Some(Duration::ZERO);
    }
    directives().find_map(|directive| {
        let (name, seconds) = directive.split_once('=')?;
        let seconds = seconds.trim_matches('"').parse().ok()?;
        name.eq_ignore_ascii_case("max-age").then(|| Duration::from_secs(seconds))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_max_age() {
        // RFC 9111 §5.2.2
        assert_eq!(max_age("public, max-age=600"), Some(Duration::from_secs(600)));
        assert_eq!(max_age("max-age=600, No-Store"), Some(Duration::ZERO));
        assert_eq!(max_age("public"), None);
        assert_eq!(max_age("max-age=soon"), None);
    }
}
