//! Rule: `id_token_hint` is an ID token that this issuer signed, expired or not; it names the one
//! person that the request may be answered for (OIDC Core §3.1.2.1).

use serde_json::Value;

use super::{
    super::{
        error::{ErrorCode, OAuthError},
        params::Params,
    },
    Served,
};
use crate::model::{Subject, Tenant};

pub(super) fn check(
    params: &Params,
    tenant: &Tenant,
    served: &dyn Served,
) -> Result<Option<Subject>, OAuthError> {
    let Some(jwt) = params.get("id_token_hint") else { return Ok(None) };
    let claims = served.id_token(jwt).unwrap_or_default();
    let issued_here = claims.get("iss").and_then(Value::as_str) == Some(tenant.issuer.as_str());
    match claims.get("sub").and_then(Value::as_str) {
        Some(subject) if issued_here => Ok(Some(Subject::new(subject))),
        _ => Err(OAuthError::new(
            ErrorCode::InvalidRequest,
            "The parameter 'id_token_hint' is not an ID token of this issuer.",
        )),
    }
}
