//! Rule: a request is at most 32 KiB, since it travels, sealed, in the forms of its pages.

use super::super::{
    error::{ErrorCode, OAuthError},
    params::RequestParams,
};
use super::interaction;

/// As much as a request line may have.
const MAX_REQUEST_BYTES: usize = 32 * 1024;

pub(super) fn check(params: &RequestParams) -> Result<(), OAuthError> {
    if interaction::keep(params).len() <= MAX_REQUEST_BYTES {
        return Ok(());
    }
    Err(OAuthError::new(
        ErrorCode::InvalidRequest,
        "The request is too long: its parameters may have 32 KiB in all.",
    ))
}
