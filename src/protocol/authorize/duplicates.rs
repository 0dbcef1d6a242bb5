//! Rule: no parameter occurs twice (RFC 6749 §3.1), unless it may repeat (`params::may_repeat`).

use super::{super::error::OAuthError, parameters::AuthorizationParams};

pub(super) fn check_duplicates(params: AuthorizationParams<'_>) -> Result<(), OAuthError> {
    params.check_duplicates()
}
