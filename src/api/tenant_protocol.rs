//! Optional protocol features of a `Tenant`: request objects, levels of assurance, registration.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::{EnumSpec, SecretKeyRef, rules};
use crate::model::RegistrationMode;

/// A level of assurance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcrLevelSpec {
    /// Value of the claim `acr`, such as `urn:example:password`.
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = rules::tenant::acr_value())]
    pub value: String,
    /// Authentication methods (RFC 8176) that a sign-in must all have used. A password is `pwd`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(length(min = 1, max = 32)))]
    pub amr: Vec<String>,
}

/// The ways in which clients may send request objects (OpenID Connect Core, section 6).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestObjectsSpec {
    /// Whether the parameter `request` is accepted. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_value: Option<bool>,
    /// Whether the parameter `request_uri` is accepted. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_reference: Option<bool>,
}

/// Dynamic client registration. Each registration creates an OidcClient in the tenant's namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::tenant::token_only_with_initial_access_token())]
pub struct RegistrationSpec {
    /// `Disabled` (default); `InitialAccessToken`: registration requires the token; `Open`:
    /// registration requires no authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<EnumSpec<RegistrationMode>>,
    /// The Secret with the initial access token. Default key: `token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_access_token_secret_ref: Option<SecretKeyRef>,
    /// Maximum number of registered clients. Default: 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub max_clients: Option<i64>,
    /// Time after which a registered client that was never used is deleted. Default: `720h` (30
    /// days).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1m", "87840h"))]
    pub unused_lifetime: Option<String>,
    /// Maximum number of registrations per minute from one address. Updates of registered clients
    /// have a separate limit of the same size. Default: 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub requests_per_minute: Option<i64>,
    /// Names of the ResourceServer objects that registered clients may request tokens for. Default: none. A
    /// ResourceServer can also admit a client by its `spec.clients.names`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 63)))]
    #[x_kube(validation = rules::unique())]
    pub resources: Vec<String>,
}
