//! Rule: a request is at most 32 KiB, because its pages carry it, sealed, in their forms.

use super::{
    super::error::{ErrorCode, OAuthError},
    parameters::AuthorizationParams,
};

/// The maximum length of a request line.
const MAX_REQUEST_BYTES: usize = 32 * 1024;

pub(super) fn check_size(params: AuthorizationParams<'_>) -> Result<(), OAuthError> {
    if params.to_query().len() <= MAX_REQUEST_BYTES {
        return Ok(());
    }
    Err(OAuthError::new(
        ErrorCode::InvalidRequest,
        "The request is too long: its parameters must not exceed 32 KiB.",
    ))
}
