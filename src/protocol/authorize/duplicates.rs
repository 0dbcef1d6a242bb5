//! Rule: no parameter comes twice (RFC 6749 §3.1), save `resource` (RFC 8707 §2).

use super::super::{
    error::OAuthError,
    params::{RequestParams, sent_twice},
};

pub(super) fn check(params: &RequestParams) -> Result<(), OAuthError> {
    params.check_duplicates()
}

/// The rule for one parameter that is needed before the others can be judged.
pub(super) fn check_one(params: &RequestParams, name: &str) -> Result<(), OAuthError> {
    if !params.duplicates().iter().any(|duplicate| duplicate == name) {
        return Ok(());
    }
    Err(sent_twice(name))
}
