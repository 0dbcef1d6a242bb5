//! Rule: `client_id` occurs once and identifies a client of this tenant (RFC 6749 §4.1.1, §3.1).

use std::sync::Arc;

use super::{
    super::error::{ErrorCode, OAuthError, abbreviate_value},
    TenantLookup,
    parameters::{AuthorizationParameter, AuthorizationParams},
};
use crate::model::Client;

pub(super) fn check_client(
    params: AuthorizationParams<'_>,
    served: &dyn TenantLookup,
) -> Result<Arc<Client>, OAuthError> {
    params.check_single(AuthorizationParameter::ClientId)?;
    let id = params.require(AuthorizationParameter::ClientId)?;
    served.client(id).ok_or_else(|| {
        let text = "No application with this client_id is registered.";
        let error = OAuthError::new(ErrorCode::InvalidClient, text);
        error.because(format!("client_id '{}'", abbreviate_value(id)))
    })
}
