//! Reads the body of a request.

use std::pin::pin;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body::Body;
use http_body_util::BodyExt;

use crate::http::{
    MemoryExceeded, MemoryPermit, ServerLimits,
    web::not_found::{TOO_MANY_IN_FLIGHT_MESSAGE, TOO_MANY_OF_ADDRESS_MESSAGE},
};

/// The status and text of a body that is refused.
type RefusedBody = (StatusCode, &'static str);

/// Reads a body within the limits of size, memory and time.
pub(super) async fn read_body<B>(
    body: B,
    limits: &ServerLimits,
    memory: &mut MemoryPermit,
) -> Result<Bytes, RefusedBody>
where
    B: Body<Data = Bytes>,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let whole = collect(body, limits.body, memory);
    tokio::time::timeout(limits.body_timeout, whole).await.unwrap_or(Err((
        StatusCode::REQUEST_TIMEOUT,
        "The body took too long to arrive. Try again.",
    )))
}

/// Collects a body of at most `limit` bytes. Its parts are copied: a part of one byte may hold the
/// whole buffer in which it arrived.
async fn collect<B>(body: B, limit: usize, memory: &mut MemoryPermit) -> Result<Bytes, RefusedBody>
where
    B: Body<Data = Bytes>,
{
    let mut body = pin!(body);
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| (StatusCode::BAD_REQUEST, "The body is incomplete."))?;
        let Ok(part) = frame.into_data() else { continue };
        if whole.len() + part.len() > limit {
            return Err((StatusCode::PAYLOAD_TOO_LARGE, "The body is too large."));
        }
        memory.grow(part.len()).map_err(|exceeded| match exceeded {
            MemoryExceeded::Address => (StatusCode::TOO_MANY_REQUESTS, TOO_MANY_OF_ADDRESS_MESSAGE),
            MemoryExceeded::Total => (StatusCode::SERVICE_UNAVAILABLE, TOO_MANY_IN_FLIGHT_MESSAGE),
        })?;
        whole.extend_from_slice(&part);
    }
    Ok(whole.freeze())
}
