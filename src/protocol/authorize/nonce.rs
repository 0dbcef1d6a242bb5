//! Rule: an ID token from the authorization endpoint requires a `nonce` (OIDC Core §3.2.2.1).

use super::{
    super::error::OAuthError,
    parameters::{AuthorizationParameter, AuthorizationParams},
};
use crate::model::ResponseType;

pub(super) fn check_nonce(
    params: AuthorizationParams<'_>,
    response_type: ResponseType,
) -> Result<Option<String>, OAuthError> {
    if response_type.has_id_token() {
        return params.require(AuthorizationParameter::Nonce).map(|nonce| Some(nonce.to_owned()));
    }
    Ok(params.get(AuthorizationParameter::Nonce).map(str::to_owned))
}
