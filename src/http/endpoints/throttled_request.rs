//! The refusal of a request that exceeds a quota of its client or address.

use std::time::Duration;

use crate::{
    accounts::AccountContext,
    http::EndpointError,
    model::{AuditEvent, Client, ThrottledAttempt},
    protocol::error::{ErrorCode, OAuthError},
};

/// Reports a request that came too soon after others, and returns the error with the text for its sender.
pub(super) fn refuse_throttled_request(
    context: AccountContext<'_>,
    client: Option<&Client>,
    (attempt, text): (ThrottledAttempt, &str),
    retry_after: Duration,
) -> EndpointError {
    let client_id = client.map(|client| client.id.as_str());
    context.audit(AuditEvent::throttled_attempt(attempt, client_id, retry_after));
    let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, text);
    EndpointError::TooManyRequests { error, retry_after }
}
