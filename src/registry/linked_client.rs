//! The client of another tenant that a provider refers to by `spec.oidc.clientRef`, and the URIs of a
//! provider that are registered there.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::ValidationProblem;
use crate::{
    model::{ClientId, Endpoint, Issuer, ObjectKey, TenantId},
    protocol::identity_provider::UpstreamCredentials,
};

/// The client that a provider refers to, as far as sign-ins need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedClient {
    /// The client's tenant, where people sign in.
    pub tenant: TenantId,
    /// The issuer of that tenant.
    pub issuer: Issuer,
    /// The client id.
    pub client_id: ClientId,
    /// How the client authenticates.
    pub credentials: UpstreamCredentials,
    /// The scopes that the client may request.
    pub scopes: Arc<BTreeSet<String>>,
}

/// The URIs of a provider at its tenant, which are registered at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderUris {
    /// The redirect URI.
    pub redirect: String,
    /// The post-logout redirect URI.
    pub post_logout: String,
    /// The back-channel logout URI.
    pub backchannel_logout: String,
}

impl ProviderUris {
    /// The URIs of a provider with this name.
    pub fn of(issuer: &Issuer, provider: &str) -> Self {
        Self {
            redirect: Endpoint::ProviderCallback.url_with(issuer, provider),
            post_logout: Endpoint::LoggedOut.url(issuer),
            backchannel_logout: Endpoint::ProviderLogout.url_with(issuer, provider),
        }
    }
}

/// The clients that the providers of a tenant refer to, or why they cannot be used, by provider.
pub type ProviderLinks = BTreeMap<ObjectKey, Result<LinkedClient, ValidationProblem>>;
