//! Rule: selects the requested scopes that can be granted (RFC 6749 §3.3, OIDC Core §3.1.2.1, §11).
//!
//! Unknown scopes are ignored, as OIDC Core requires, because applications send the same list to
//! many providers. A known scope that is not allowed for the client is `invalid_scope`. Ignoring it
//! would hide the misconfiguration from the owner of the client.

use std::collections::BTreeSet;

use super::{
    super::{
        error::{ErrorCode, OAuthError},
        scope::{self, STANDARD_SCOPES},
    },
    parameters::{AuthorizationParams, Parameter},
};
use crate::model::{Client, GrantType, ResponseType, Tenant};

pub(super) fn check(
    params: AuthorizationParams<'_>,
    tenant: &Tenant,
    client: &Client,
    response_type: ResponseType,
) -> Result<BTreeSet<String>, OAuthError> {
    let refused = |text: String| Err(OAuthError::new(ErrorCode::InvalidScope, text));
    let mut scopes = scope::parse(params.get(Parameter::Scope));
    scopes.retain(|name| {
        STANDARD_SCOPES.contains(&name.as_str()) || tenant.scopes.contains_key(name)
    });
    if !can_be_offline(client, response_type) {
        scopes.remove("offline_access");
    }
    if let Some(name) = scopes.iter().find(|name| !client.scopes.contains(*name)) {
        return refused(format!("The scope '{name}' is not allowed for this application."));
    }
    if response_type.has_id_token() && !scopes.contains("openid") {
        return refused("An ID token requires the scope 'openid'.".to_owned());
    }
    if scopes.is_empty() {
        return refused("The request has no known scope; it needs at least 'openid'.".to_owned());
    }
    Ok(scopes)
}

/// `offline_access` is ignored if no refresh token can be issued (OIDC Core §11).
fn can_be_offline(client: &Client, response_type: ResponseType) -> bool {
    response_type.has_code() && client.grant_types.contains(&GrantType::RefreshToken)
}
