//! Public keys (RFC 7517 §5).

use std::time::Duration;

use super::conditional_get;
use crate::http::{AppState, EndpointError, Reply, Request};

/// The longest that clients may keep it.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// `GET I/oauth/jwks`. Kept for at most half of the time that a new key is published before it
/// signs, so that every cache has it by then.
#[expect(clippy::unused_async, reason = "handlers have one shape")]
pub async fn get(_: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let ahead = request.tenant.tenant.key_rotation.publish_ahead;
    Ok(conditional_get::send(&request, &request.tenant.jwks, MAX_AGE.min(ahead / 2)))
}
