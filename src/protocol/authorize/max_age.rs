//! Rule: `max_age` is a whole number of seconds, including 0 (OIDC Core §3.1.2.1). The default is
//! the client's `default_max_age` (OIDC Registration §2).

use std::time::Duration;

use super::{
    super::error::{ErrorCode, OAuthError},
    parameters::{AuthorizationParameter, AuthorizationParams},
};
use crate::model::Client;

pub(super) fn check_max_age(
    params: AuthorizationParams<'_>,
    client: &Client,
) -> Result<Option<Duration>, OAuthError> {
    let Some(text) = params.get(AuthorizationParameter::MaxAge) else {
        return Ok(client.default_max_age);
    };
    match text.parse::<u64>() {
        Ok(seconds) if text.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(Some(Duration::from_secs(seconds)))
        }
        _ => Err(OAuthError::new(
            ErrorCode::InvalidRequest,
            "The parameter 'max_age' must be a whole number of seconds, 0 or more.",
        )),
    }
}
