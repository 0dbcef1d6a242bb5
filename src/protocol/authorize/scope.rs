//! Rule: selects the requested scopes to grant (RFC 6749 §3.3, OIDC Core §3.1.2.1, §11), as at the
//! token endpoint ([`scope::select_scopes`]).

use std::sync::Arc;

use super::{
    super::{
        error::{ErrorCode, OAuthError},
        resource::RequestedResources,
        scope::{self, Scopes},
    },
    parameters::{AuthorizationParameter, AuthorizationParams},
};
use crate::model::{Client, GrantType, ResourceServer, ResponseType};

/// The scopes of a request.
#[derive(Clone, Debug)]
pub(super) struct CheckedScopes {
    /// The scopes of the client itself.
    pub(super) own: Scopes,
    /// All of them, also those of the requested resource servers.
    pub(super) all: Scopes,
    /// Whether they are the default, because the request has no scope.
    pub(super) are_default: bool,
}

pub(super) fn check_scope(
    params: AuthorizationParams<'_>,
    client: &Client,
    response_type: ResponseType,
    resources: &RequestedResources,
) -> Result<CheckedScopes, OAuthError> {
    let own = allowed(client, response_type);
    let of_servers = resources.servers.iter().flat_map(|server| server.scopes.iter().cloned());
    let allowed: Scopes = own.iter().cloned().chain(of_servers).collect();
    // A request for authorization details says what it is for, so it gets no scopes there by default.
    let without_details = |server: &&Arc<ResourceServer>| !resources.has_details_of(server);
    let mut are_default = false;
    let default = || {
        are_default = true;
        let for_issuer = resources.issuer || resources.servers.is_empty();
        let own = if for_issuer { scope::default_request_scopes(client) } else { Scopes::new() };
        let servers = resources.servers.iter().filter(without_details);
        own.into_iter().chain(servers.flat_map(|server| server.scopes.iter().cloned())).collect()
    };
    let asked = params.get(AuthorizationParameter::Scope);
    let scopes = scope::select_scopes(asked, &allowed, default)
        .map_err(|error| scope::with_scope_mismatch(error, client, asked, &allowed))?;
    let needed = if response_type.has_id_token() && !scopes.contains("openid") {
        "An ID token requires the scope 'openid'"
    } else if scopes.is_empty() && resources.servers.is_empty() {
        "The request has no scope, and the client has none by default"
    } else {
        let own = scopes.intersection(&own).cloned().collect();
        return Ok(CheckedScopes { own, all: scopes, are_default });
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
