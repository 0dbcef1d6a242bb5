//! The resources of a validated request, and the permissions that a grant gives at each.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    super::{
        authorization_details::DetailsByResource,
        error::{ErrorCode, OAuthError},
        records::GrantedResource,
        resource::{RequestedResources, resource_permissions},
    },
    scope::CheckedScopes,
};
use crate::model::{Issuer, ResourceServer};

/// Most bytes of the permissions of a request at resource servers, so that grant and consent fit into records.
const MAX_PERMISSIONS_LEN: usize = 16 * 1024;

/// The resources of a request, with the permissions to grant at each.
#[derive(Clone, Debug, Default)]
pub struct ResourcesToGrant {
    /// The requested resource servers, each once and without the issuer.
    pub servers: Vec<Arc<ResourceServer>>,
    /// The permissions, by identifier. The issuer is among them if it was named.
    pub granted: BTreeMap<String, GrantedResource>,
    /// The authorization details. They are no permissions: the person is asked for them each time.
    pub details: DetailsByResource,
}

impl ResourcesToGrant {
    /// Divides the selected scopes among the resource servers. Where authorization details are requested, scopes are
    /// granted only if the request names them.
    ///
    /// # Errors
    ///
    /// `invalid_scope` if the permissions do not fit into the records of grant and consent.
    pub(super) fn new(
        issuer: &Issuer,
        requested: RequestedResources,
        selected: &CheckedScopes,
    ) -> Result<Self, OAuthError> {
        let at_server = |server: &Arc<ResourceServer>| {
            // A scope that is another server's by default is not requested where details are.
            let is_left_out = selected.are_default && requested.has_details_of(server);
            let selected = selected.all.intersection(&server.scopes).filter(|_| !is_left_out);
            let granted = GrantedResource {
                scopes: selected.cloned().collect(),
                claims: server.claims.clone(),
            };
            (server.identifier.to_string(), granted)
        };
        let of_issuer = (issuer.as_str().to_owned(), GrantedResource::default());
        let of_issuer = requested.issuer.then_some(of_issuer);
        let granted = requested.servers.iter().map(at_server).chain(of_issuer).collect();
        let all = Self { granted, servers: requested.servers, details: requested.details };
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

    /// The scopes at all resource servers, without the names of the servers.
    pub fn scopes(&self) -> impl Iterator<Item = &String> {
        self.granted.values().flat_map(|granted| &granted.scopes)
    }
}
