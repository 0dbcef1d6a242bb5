//! Rule: `resource` and `authorization_details` name resources that the client may request tokens for (RFC 8707
//! §2.1, RFC 9396 §5), as at the token endpoint ([`resource::check_resources`]). It is checked before the user signs
//! in, because the token request would fail otherwise.

use std::sync::Arc;

use super::{
    super::{
        error::{ErrorCode, OAuthError},
        resource::{self, RequestedResources, ResourceContext},
    },
    TenantLookup,
    parameters::{AuthorizationParameter, AuthorizationParams},
};
use crate::model::{Client, ResourceServer, ResponseType, Tenant, TokenBinding};

pub(super) fn check_resource(
    params: AuthorizationParams<'_>,
    tenant: &Tenant,
    served: &dyn TenantLookup,
    client: &Client,
) -> Result<RequestedResources, OAuthError> {
    let servers = served.resource_servers();
    let context = ResourceContext { issuer: &tenant.issuer, servers, client, by_exchange: false };
    let details = params.get(AuthorizationParameter::AuthorizationDetails);
    resource::check_resources(context, params.all(AuthorizationParameter::Resource), details)
}

/// Checks the resources of a response that contains an access token. A code may be for any number of them.
pub(super) fn check_resource_of_response(
    requested: &RequestedResources,
    response_type: ResponseType,
) -> Result<(), OAuthError> {
    if !response_type.has_code() || response_type.has_token() {
        check_no_details(requested)?;
    }
    if !response_type.has_token() {
        return Ok(());
    }
    if requested.issuer {
        // With the issuer among the resources, the token is for the issuer.
        return Ok(());
    }
    check_only_resource(requested)?;
    check_token_binding(requested)
}

/// Rule: the authorization endpoint issues no access token with authorization details. Its response has no member
/// that says which were granted (RFC 9396 §7).
fn check_no_details(requested: &RequestedResources) -> Result<(), OAuthError> {
    if requested.details.is_empty() {
        return Ok(());
    }
    let text = "Only the token endpoint issues access tokens with authorization details; use the response type 'code'.";
    Err(OAuthError::new(ErrorCode::InvalidRequest, text))
}

/// Rule: an access token is for one resource (RFC 8707 §2.2). This includes access tokens of the authorization
/// endpoint.
fn check_only_resource(requested: &RequestedResources) -> Result<(), OAuthError> {
    if requested.count() <= 1 {
        return Ok(());
    }
    let text = "The response contains one access token, which is for one resource; send one 'resource', or add the issuer, which the token is for then.";
    Err(OAuthError::new(ErrorCode::InvalidTarget, text))
}

/// Rule: the authorization endpoint issues no access token that has to be bound to a key, because it gets no proof
/// (RFC 9449 §5).
fn check_token_binding(requested: &RequestedResources) -> Result<(), OAuthError> {
    let is_bound = |server: &Arc<ResourceServer>| server.token_binding != TokenBinding::Bearer;
    if !requested.servers.iter().any(is_bound) {
        return Ok(());
    }
    let text = "Access tokens for this resource must be bound to a key of the client, and only the token endpoint issues those; use the response type 'code'.";
    Err(OAuthError::new(ErrorCode::InvalidRequest, text))
}
