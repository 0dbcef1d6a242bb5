//! Rule: `dpop_jkt` is a JWK thumbprint, and the code is bound to its key (RFC 9449 §10). Access tokens of the
//! authorization endpoint cannot be bound to a key, because no proof is sent there.

use super::{
    super::{
        dpop::is_thumbprint,
        error::{ErrorCode, OAuthError},
    },
    parameters::{AuthorizationParameter, AuthorizationParams},
};
use crate::model::{Client, ResponseType};

pub(super) fn check_dpop_jkt(
    params: AuthorizationParams<'_>,
    client: &Client,
    response_type: ResponseType,
) -> Result<Option<String>, OAuthError> {
    let refused = |text: &str| Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    let thumbprint = params.get(AuthorizationParameter::DpopJkt);
    let is_bound = thumbprint.is_some() || client.details.binds_access_tokens();
    if is_bound && response_type.has_token() {
        return refused(
            "Access tokens of this request must be bound to a key of the client, and only the token endpoint issues those; use the response type 'code'.",
        );
    }
    match thumbprint {
        Some(thumbprint) if !is_thumbprint(thumbprint) => refused(
            "The parameter 'dpop_jkt' must be the base64url-encoded SHA-256 thumbprint of a JWK.",
        ),
        other => Ok(other.map(str::to_owned)),
    }
}
