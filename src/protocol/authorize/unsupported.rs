//! Rule: unsupported parameters that would change the meaning of the request are rejected, each
//! with its own error (OIDC Core §3.1.2.6, §6, §7.2.1). Other unknown parameters are ignored (RFC
//! 6749 §3.1).

use super::super::{
    error::{ErrorCode, OAuthError},
    params::RequestParams,
};

const UNSUPPORTED: [(&str, ErrorCode); 3] = [
    ("request", ErrorCode::RequestNotSupported),
    ("request_uri", ErrorCode::RequestUriNotSupported),
    ("registration", ErrorCode::RegistrationNotSupported),
];

pub(super) fn check(params: &RequestParams) -> Result<(), OAuthError> {
    match UNSUPPORTED.iter().find(|(name, _)| params.get(name).is_some()) {
        None => Ok(()),
        Some((name, code)) => Err(OAuthError::new(
            *code,
            format!("The parameter '{name}' is not supported; send plain parameters."),
        )),
    }
}
