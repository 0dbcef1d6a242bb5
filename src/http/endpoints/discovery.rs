//! Metadata (OIDC Discovery §4, RFC 8414 §3).

use std::time::Duration;

use super::prepared;
use crate::http::{App, Failure, Reply, Request};

/// How long clients may keep it.
const MAX_AGE: Duration = Duration::from_secs(300);

/// `GET I/.well-known/openid-configuration`.
#[expect(clippy::unused_async, reason = "handlers have one shape")]
pub async fn get(_: &App, request: Request) -> Result<Reply, Failure> {
    Ok(prepared::send(&request, &request.tenant.discovery, MAX_AGE))
}
