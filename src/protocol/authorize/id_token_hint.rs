//! Rule: `id_token_hint` is an ID token signed by this issuer, expired or not. The response must be
//! for its user (OIDC Core §3.1.2.1).
//!
//! An ID token of another client is accepted if both clients get the same `sub` values. Otherwise
//! the response would reveal to two clients with pairwise subjects that they have the same user
//! (OIDC Core §8.1).

use serde_json::Value;

use super::{
    super::error::{ErrorCode, OAuthError},
    TenantLookup,
    parameters::{AuthorizationParameter, AuthorizationParams},
};
use crate::model::{Client, Subject, Tenant};

pub(super) fn check_id_token_hint(
    params: AuthorizationParams<'_>,
    tenant: &Tenant,
    served: &dyn TenantLookup,
    client: &Client,
) -> Result<Option<Subject>, OAuthError> {
    let Some(jwt) = params.get(AuthorizationParameter::IdTokenHint) else { return Ok(None) };
    let claims = served.id_token(jwt).unwrap_or_default();
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let (Some(issuer), Some(subject)) = (text("iss"), text("sub")) else {
        return Err(invalid("The parameter 'id_token_hint' is not an ID token of this issuer."));
    };
    if issuer != tenant.issuer.as_str() {
        return Err(invalid("The parameter 'id_token_hint' is an ID token of another issuer."));
    }
    let audience = text("aud").unwrap_or_default();
    // The client may have been deleted. Public subjects can be compared without revealing anything.
    let same_subjects = served
        .client(audience)
        .map_or(sector(client).is_none(), |other| sector(&other) == sector(client));
    if audience != client.id.as_str() && !same_subjects {
        let text = "The parameter 'id_token_hint' was issued to another application, which uses \
                    different subject identifiers.";
        return Err(invalid(text));
    }
    Ok(Some(Subject::new(subject)))
}

fn sector(client: &Client) -> Option<&str> {
    client.pairwise.as_ref().map(|pairwise| pairwise.sector.as_str())
}

fn invalid(text: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, text)
}
