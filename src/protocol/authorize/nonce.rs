//! Rule: an ID token from the authorization endpoint requires a `nonce` (OIDC Core §3.2.2.1).

use super::{
    super::error::OAuthError,
    parameters::{AuthorizationParams, Parameter},
};
use crate::model::ResponseType;

pub(super) fn check_nonce(
    params: AuthorizationParams<'_>,
    response_type: ResponseType,
) -> Result<Option<String>, OAuthError> {
    if response_type.has_id_token() {
        return params.require(Parameter::Nonce).map(|nonce| Some(nonce.to_owned()));
    }
    Ok(params.get(Parameter::Nonce).map(str::to_owned))
}
