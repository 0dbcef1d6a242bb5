//! Rule: which of the scopes asked for this request can give (RFC 6749 §3.3, OIDC Core §3.1.2.1,
//! §11).
//!
//! A scope that this tenant does not know is ignored, as OIDC Core says: applications ask many
//! providers with one list. One that the tenant knows and the client may not have is
//! `invalid_scope`: silently giving less would hide what the owner of the client has to change.

use std::collections::BTreeSet;

use super::super::{
    error::{ErrorCode, OAuthError},
    params::RequestParams,
    scope::{self, STANDARD_SCOPES},
};
use crate::model::{Client, GrantType, ResponseType, Tenant};

pub(super) fn check(
    params: &RequestParams,
    tenant: &Tenant,
    client: &Client,
    response_type: ResponseType,
) -> Result<BTreeSet<String>, OAuthError> {
    let refused = |text: String| Err(OAuthError::new(ErrorCode::InvalidScope, text));
    let mut scopes = scope::parse(params.get("scope"));
    scopes.retain(|name| {
        STANDARD_SCOPES.contains(&name.as_str()) || tenant.scopes.contains_key(name)
    });
    if !can_be_offline(client, response_type) {
        scopes.remove("offline_access");
    }
    if let Some(name) = scopes.iter().find(|name| !client.scopes.contains(*name)) {
        return refused(format!("This application may not have the scope '{name}'."));
    }
    if response_type.has_id_token() && !scopes.contains("openid") {
        return refused("An ID token needs the scope 'openid'.".to_owned());
    }
    if scopes.is_empty() {
        return refused("No known scope was asked for; ask for 'openid' at least.".to_owned());
    }
    Ok(scopes)
}

/// Offline access is ignored where no refresh token can come of it (OIDC Core §11).
fn can_be_offline(client: &Client, response_type: ResponseType) -> bool {
    response_type.has_code() && client.grant_types.contains(&GrantType::RefreshToken)
}
