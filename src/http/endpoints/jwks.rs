//! The JWKS (RFC 7517 §5).

use std::time::Duration;

use super::conditional_get;
use crate::http::{AppState, EndpointError, Reply, Request};

/// Longest time that clients may cache the JWKS.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// `GET I/oauth/jwks`. Cached for at most half of the time between a key's publication and its
/// first signature, so every cache contains the key by then.
pub async fn get(_: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let ahead = request.tenant.tenant.key_rotation.publish_ahead;
    Ok(conditional_get::send_if_changed(&request, &request.tenant.jwks, MAX_AGE.min(ahead / 2)))
}
