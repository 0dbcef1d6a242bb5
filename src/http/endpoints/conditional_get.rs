//! Responses prerendered with the snapshot, sent with an `ETag`.

use std::time::Duration;

use http::{StatusCode, header};

use crate::{
    http::{Reply, Request},
    registry::PrerenderedJson,
};

/// Headers that decide which tenant a URL belongs to. Caches such as nginx do not have the host in
/// their keys by default.
const VARY: &str = "host, forwarded, x-forwarded-host";

/// Sends a prerendered response, or 304 if the client has it (RFC 9110 §13.1.2).
pub(super) fn send_if_changed(
    request: &Request,
    prepared: &PrerenderedJson,
    max_age: Duration,
) -> Reply {
    let known = request.headers.get_all(header::IF_NONE_MATCH).iter();
    let fresh = known
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == &*prepared.etag
        });
    let reply = if fresh {
        Reply::empty(StatusCode::NOT_MODIFIED)
    } else {
        Reply::json_bytes(StatusCode::OK, prepared.bytes())
    };
    // A shared cache between the client and a proxy may not know the header that the proxy sets.
    let scope = if request.is_forwarded_host { "private" } else { "public" };
    reply
        .header(header::ETAG, &prepared.etag)
        .header(header::VARY, VARY)
        .header(header::CACHE_CONTROL, &format!("{scope}, max-age={}", max_age.as_secs()))
}
