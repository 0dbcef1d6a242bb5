//! Rule: no parameter occurs twice (RFC 6749 §3.1), unless it may repeat (`params::may_repeat`).

use super::{
    super::{error::OAuthError, params::sent_twice},
    parameters::{AuthorizationParams, Parameter},
};

pub(super) fn check_duplicates(params: AuthorizationParams<'_>) -> Result<(), OAuthError> {
    params.check_duplicates()
}

/// Checks one parameter that later checks of other parameters depend on.
pub(super) fn check_one(
    params: AuthorizationParams<'_>,
    parameter: Parameter,
) -> Result<(), OAuthError> {
    if params.is_duplicate(parameter) { Err(sent_twice(parameter.name())) } else { Ok(()) }
}
