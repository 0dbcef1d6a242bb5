//! Provider metadata (OIDC Discovery §4, RFC 8414 §3).

use std::time::Duration;

use super::conditional_get;
use crate::http::{AppState, EndpointError, Reply, Request};

/// How long clients may cache the metadata.
const MAX_AGE: Duration = Duration::from_secs(300);

/// `GET I/.well-known/openid-configuration`: the metadata of the issuer (OIDC Discovery §4).
pub async fn get(_: &AppState, request: Request) -> Result<Reply, EndpointError> {
    if let Some(host) = &request.internal_host {
        let document = request.tenant.internal_discovery(host);
        return Ok(conditional_get::send_if_changed(&request, &document, MAX_AGE));
    }
    Ok(conditional_get::send_if_changed(&request, &request.tenant.discovery, MAX_AGE))
}
