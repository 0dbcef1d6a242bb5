//! Rule: no parameter comes twice (RFC 6749 §3.1), save `resource` (RFC 8707 §2).

use super::super::{
    error::{ErrorCode, OAuthError},
    params::Params,
};

pub(super) fn check(params: &Params) -> Result<(), OAuthError> {
    match params.duplicates().first() {
        None => Ok(()),
        Some(name) => check_one(params, name),
    }
}

/// The rule for one parameter that is needed before the others can be judged.
pub(super) fn check_one(params: &Params, name: &str) -> Result<(), OAuthError> {
    if !params.duplicates().iter().any(|duplicate| duplicate == name) {
        return Ok(());
    }
    Err(OAuthError::new(
        ErrorCode::InvalidRequest,
        format!("The parameter '{name}' was sent more than once."),
    ))
}
