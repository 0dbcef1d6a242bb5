//! What a `Tenant` lets clients do beyond signing in: request objects, levels of assurance,
//! registration.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::{
    common::{SecretKeyRef, api_enum},
    rules,
};

/// A level of assurance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcrLevelSpec {
    /// The value of `acr`, such as `urn:example:password`.
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = rules::tenant::acr_value())]
    pub value: String,
    /// The methods that a sign-in must have used (RFC 8176), all of them. A password is `pwd`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(length(min = 1, max = 32)))]
    pub amr: Vec<String>,
}

/// Which request objects are taken (OpenID Connect Core, section 6).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestObjectsSpec {
    /// The parameter `request`. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_value: Option<bool>,
    /// The parameter `request_uri`. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_reference: Option<bool>,
}

/// Who may register clients over HTTP. Each becomes an OidcClient in the tenant's namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::tenant::token_where_it_counts())]
pub struct RegistrationSpec {
    /// `Disabled` (default); `InitialAccessToken`: who has the token; `Open`: everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<RegistrationMode>,
    /// The Secret with the initial access token. Default key: `token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_access_token_secret_ref: Option<SecretKeyRef>,
    /// How many registered clients there may be. Default: 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub max_clients: Option<i64>,
    /// A registered client that was never used is deleted after this. Default: `720h` (30 days).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1m", "87840h"))]
    pub unused_lifetime: Option<String>,
    /// Registrations and updates that one address may make in a minute. Default: 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub requests_per_minute: Option<i64>,
}

api_enum!(
    /// Who may register clients.
    RegistrationMode {
        /// Nobody.
        Disabled = "Disabled",
        /// Who has the initial access token.
        InitialAccessToken = "InitialAccessToken",
        /// Everybody.
        Open = "Open",
    }
);
