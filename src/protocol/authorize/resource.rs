//! Rule: `resource` names resources that the client may request tokens for (RFC 8707 §2.1), as at the token
//! endpoint ([`resource::find_resource`]). It is checked before the user signs in, because the token request
//! would fail otherwise.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    super::{
        error::{ErrorCode, OAuthError},
        records::GrantedResource,
        resource::{self, RequestedResources, ResourceContext, resource_permissions},
        scope::Scopes,
    },
    TenantLookup,
    parameters::{AuthorizationParams, Parameter},
};
use crate::model::{Client, Issuer, ResourceServer, ResponseType, Tenant, TokenBinding};

/// Most bytes of the permissions of a request at resource servers, so that grant and consent fit into records.
const MAX_PERMISSIONS_LEN: usize = 16 * 1024;

pub(super) fn check_resource(
    params: AuthorizationParams<'_>,
    tenant: &Tenant,
    served: &dyn TenantLookup,
    client: &Client,
) -> Result<RequestedResources, OAuthError> {
    let servers = served.resource_servers();
    let context = ResourceContext { issuer: &tenant.issuer, servers, client, by_exchange: false };
    resource::check_resources(context, params.all(Parameter::Resource))
}

/// Rule: an access token is for one resource (RFC 8707 §2.2). This includes access tokens of the authorization
/// endpoint.
pub(super) fn check_only_resource(
    requested: &RequestedResources,
    response_type: ResponseType,
) -> Result<(), OAuthError> {
    if !response_type.has_token() || requested.issuer || requested.count() <= 1 {
        return Ok(());
    }
    let text = "The response contains one access token, which is for one resource; send one 'resource', or add the issuer, which the token is for then.";
    Err(OAuthError::new(ErrorCode::InvalidTarget, text))
}

/// Rule: the authorization endpoint issues no access token that has to be bound to a key, because it gets no proof
/// (RFC 9449 §5).
pub(super) fn check_token_binding(
    requested: &RequestedResources,
    response_type: ResponseType,
) -> Result<(), OAuthError> {
    let is_bound = |server: &Arc<ResourceServer>| server.token_binding != TokenBinding::Bearer;
    // With the issuer among the resources, the token is for the issuer.
    let is_for_server = response_type.has_token() && !requested.issuer;
    if !is_for_server || !requested.servers.iter().any(is_bound) {
        return Ok(());
    }
    let text = "Access tokens for this resource must be bound to a key of the client, and only the token endpoint issues those; use the response type 'code'.";
    Err(OAuthError::new(ErrorCode::InvalidRequest, text))
}

/// The resources of a request, with the permissions to grant at each.
#[derive(Clone, Debug, Default)]
pub struct ResourcesToGrant {
    /// The resource servers.
    pub servers: Vec<Arc<ResourceServer>>,
    /// The permissions, by identifier. The issuer is among them if it was named.
    pub granted: BTreeMap<String, GrantedResource>,
}

impl ResourcesToGrant {
    /// Divides the selected scopes among the resource servers.
    ///
    /// # Errors
    ///
    /// `invalid_scope` if the permissions do not fit into the records of grant and consent.
    pub(super) fn new(
        issuer: &Issuer,
        requested: RequestedResources,
        selected: &Scopes,
    ) -> Result<Self, OAuthError> {
        let at_server = |server: &Arc<ResourceServer>| {
            let granted = GrantedResource {
                scopes: selected.intersection(&server.scopes).cloned().collect(),
                claims: server.claims.clone(),
            };
            (server.identifier.to_string(), granted)
        };
        let of_issuer = (issuer.as_str().to_owned(), GrantedResource::default());
        let of_issuer = requested.issuer.then_some(of_issuer);
        let granted = requested.servers.iter().map(at_server).chain(of_issuer).collect();
        let all = Self { granted, servers: requested.servers };
        if all.permissions().map(|permission| permission.len()).sum::<usize>() > MAX_PERMISSIONS_LEN
        {
            let text = "The request asks for too much at once; request fewer scopes or resources.";
            return Err(OAuthError::new(ErrorCode::InvalidScope, text));
        }
        Ok(all)
    }

    /// The permissions at the resource servers, in the form of consents.
    pub fn permissions(&self) -> impl Iterator<Item = String> {
        let granted = move |server: &Arc<ResourceServer>| {
            let granted = self.granted.get(&*server.identifier)?;
            Some(resource_permissions(&server.identifier, granted))
        };
        self.servers.iter().filter_map(granted).flatten()
    }

    /// The scopes at the resource servers.
    pub fn scopes(&self) -> impl Iterator<Item = &String> {
        self.granted.values().flat_map(|granted| &granted.scopes)
    }
}
