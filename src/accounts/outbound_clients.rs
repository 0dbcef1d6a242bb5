//! The HTTP clients for calls on behalf of a tenant, each with its share of the concurrent calls.

use std::sync::Arc;

use super::AccountContext;
use crate::{
    fetch::{FairFetch, SharedFetch, UpstreamFetch, trusting_client},
    model::{Client, throttle_prefix},
    protocol::identity_provider::IdentityProvider,
};

impl AccountContext<'_> {
    /// The HTTP client for an identity provider of the tenant, which trusts the certificates of its object
    /// too. Tenants of this installation are not called over the network, where their address may be one that
    /// must not be called.
    pub fn upstream_client(&self, provider: &IdentityProvider) -> SharedFetch {
        let (tenant, name) = (&self.tenant.tenant, self.tenant_id().to_string());
        let address = Some(throttle_prefix(self.origin.address));
        let certificates = provider.certificates();
        let own =
            |client: &FairFetch| trusting_client(client.for_sign_in(&name, address), certificates);
        let public = own(&self.services.http_client);
        let local = self.services.local_issuers.get();
        Arc::new(UpstreamFetch {
            local: local
                .map_or_else(|| Arc::clone(&public), |local| local.client_for(self.origin.address)),
            public,
            internal: own(&self.services.internal_http_client),
            hosts: Arc::clone(&tenant.upstream_hosts),
            issuers: self.tenant.linked_issuers(),
        })
    }

    /// The HTTP client for the keys of an application. Those of a tenant of this installation, which is
    /// the application then, are not fetched over the network.
    pub fn client_keys_client(&self, client: &Client) -> SharedFetch {
        let local = self.services.local_issuers.get();
        let local = local.filter(|it| client.keys.url().is_some_and(|url| it.has_keys_at(url)));
        // Many requests share the document, so none of their addresses is its owner.
        // Clients that are described by documents share a namespace, so each host has a share.
        let host = client.document_host.as_deref();
        let owner = host.unwrap_or(&client.object.namespace);
        let tenant = self.tenant_id().to_string();
        let public = || self.services.http_client.for_clients(&tenant, owner);
        local.map_or_else(public, |local| local.client_for(self.origin.address))
    }

    /// The HTTP client for the keys of an issuer that a client trusts. Hosts inside the network are called
    /// only for clients in the tenant's own namespace, whose owners may name such hosts.
    pub fn federated_issuer_client(&self, client: &Client) -> SharedFetch {
        let (tenant, name) = (&self.tenant.tenant, self.tenant_id().to_string());
        let own = |fetch: &FairFetch| fetch.for_clients(&name, &client.object.namespace);
        let public = own(&self.services.http_client);
        if client.object.namespace != tenant.id.0.namespace {
            return public;
        }
        Arc::new(UpstreamFetch {
            local: Arc::clone(&public),
            public,
            internal: own(&self.services.internal_http_client),
            hosts: Arc::clone(&tenant.upstream_hosts),
            issuers: Vec::new(),
        })
    }
}
