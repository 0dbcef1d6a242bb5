//! Rule: unsupported parameters that would change the meaning of the request are rejected, each
//! with its own error (OIDC Core §3.1.2.6, §6, §7.2.1). Other unknown parameters are ignored (RFC
//! 6749 §3.1).

use super::{
    super::error::{ErrorCode, OAuthError},
    parameters::{AuthorizationParameter, AuthorizationParams},
    pushed,
};

const UNSUPPORTED: [(AuthorizationParameter, ErrorCode); 3] = [
    (AuthorizationParameter::Request, ErrorCode::RequestNotSupported),
    (AuthorizationParameter::RequestUri, ErrorCode::RequestUriNotSupported),
    (AuthorizationParameter::Registration, ErrorCode::RegistrationNotSupported),
];

pub(super) fn check_unsupported_parameters(
    params: AuthorizationParams<'_>,
) -> Result<(), OAuthError> {
    let is_sent = |parameter| params.get(parameter).is_some();
    let sent = UNSUPPORTED.into_iter().find(|(parameter, _)| match parameter {
        AuthorizationParameter::RequestUri => {
            is_sent(*parameter) && pushed::pushed_id(params).is_none()
        }
        _ => is_sent(*parameter),
    });
    sent.map_or(Ok(()), |(parameter, code)| Err(unsupported_parameter_error(parameter, code)))
}

/// Returns the error of a parameter that is not supported.
pub(super) fn unsupported_parameter_error(
    parameter: AuthorizationParameter,
    code: ErrorCode,
) -> OAuthError {
    let name = parameter.name();
    OAuthError::new(
        code,
        format!("The parameter '{name}' is not supported; send plain parameters."),
    )
}
