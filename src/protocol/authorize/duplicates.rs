//! Rule: no parameter occurs twice (RFC 6749 §3.1), except `resource` (RFC 8707 §2).

use super::super::{
    error::OAuthError,
    params::{RequestParams, sent_twice},
};

pub(super) fn check(params: &RequestParams) -> Result<(), OAuthError> {
    params.check_duplicates()
}

/// Checks one parameter that later checks of other parameters depend on.
pub(super) fn check_one(params: &RequestParams, name: &str) -> Result<(), OAuthError> {
    if !params.duplicates().iter().any(|duplicate| duplicate == name) {
        return Ok(());
    }
    Err(sent_twice(name))
}
