//! Rule: selects the requested scopes to grant (RFC 6749 §3.3, OIDC Core §3.1.2.1, §11), as at the
//! token endpoint ([`scope::select_scopes`]).

use super::{
    super::{
        error::{ErrorCode, OAuthError},
        scope::{self, Scopes},
    },
    parameters::{AuthorizationParams, Parameter},
};
use crate::model::{Client, GrantType, ResponseType};

pub(super) fn check_scope(
    params: AuthorizationParams<'_>,
    client: &Client,
    response_type: ResponseType,
) -> Result<Scopes, OAuthError> {
    let allowed = allowed(client, response_type);
    let asked = params.get(Parameter::Scope);
    let scopes = scope::select_scopes(asked, &allowed, || scope::default_scopes(client))
        .map_err(|error| scope::with_scope_mismatch(error, client, asked, &allowed))?;
    let needed = if response_type.has_id_token() && !scopes.contains("openid") {
        "An ID token requires the scope 'openid'"
    } else if scopes.is_empty() {
        "The request has no scope, and the client has none by default"
    } else {
        return Ok(scopes);
    };
    let text = format!("{needed}. Allowed scopes: {}.", scope::join_scopes(&allowed));
    let error = OAuthError::new(ErrorCode::InvalidScope, text);
    Err(scope::with_scope_mismatch(error, client, asked, &allowed))
}

/// The scopes of the client, without `offline_access` if no refresh token can be issued (OIDC Core
/// §11).
fn allowed(client: &Client, response_type: ResponseType) -> Scopes {
    let mut allowed = Scopes::clone(&client.scopes);
    if !response_type.has_code() || !client.grant_types.contains(&GrantType::RefreshToken) {
        allowed.remove("offline_access");
    }
    allowed
}
