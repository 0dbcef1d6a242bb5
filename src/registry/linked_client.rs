//! The client of another tenant that a provider refers to by `spec.oidc.clientRef`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::ValidationProblem;
use crate::{
    model::{ClientId, Issuer, ObjectKey, TenantId},
    protocol::identity_provider::UpstreamCredentials,
};

/// The client that a provider refers to, as far as sign-ins need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedClient {
    /// The client's tenant, where people sign in.
    pub tenant: TenantId,
    /// The issuer of that tenant, as in `iss` of its ID tokens.
    pub issuer: Issuer,
    /// The `client_id` at that tenant.
    pub client_id: ClientId,
    /// The client secret, or another way to authenticate.
    pub credentials: UpstreamCredentials,
    /// The scopes that the client may request.
    pub scopes: Arc<BTreeSet<String>>,
}

/// The clients that the providers of a tenant refer to, or why they cannot be used, by provider.
pub type ProviderLinks = BTreeMap<ObjectKey, Result<LinkedClient, ValidationProblem>>;
