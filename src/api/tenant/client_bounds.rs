//! The limits that a tenant sets for clients from other namespaces, and for clients that register
//! themselves.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{EnumSpec, common::AllowedNamespaces, rules},
    model::{ConsentPolicy, GrantType},
};

/// Limits for clients from other namespaces. An empty list allows nothing. Redirect hosts, scopes
/// and grant types also limit clients created by dynamic registration; where unset, these may have
/// any host, any scope, and the grant types `authorization_code`, `implicit` and `refresh_token`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientBoundsSpec {
    /// The namespaces whose clients are admitted. Default: `from: Same`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<AllowedNamespaces>,
    /// Hosts (or `*.suffix`) allowed in redirect URIs with http or https. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    #[x_kube(validation = rules::tenant::host_patterns())]
    pub redirect_hosts: Option<Vec<String>>,
    /// Schemes allowed in redirect URIs besides https: `http` on loopback hosts, which command line
    /// tools use, and schemes of applications, such as `myapp` or `com.example.app`. Default:
    /// `[http]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 64)))]
    #[x_kube(validation = rules::tenant::redirect_schemes())]
    pub redirect_schemes: Option<Vec<String>>,
    /// Scopes that clients may have. Default: `openid profile email offline_access`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 128)))]
    #[x_kube(validation = rules::scopes())]
    pub scopes: Option<Vec<String>>,
    /// Grant types that clients may use. Default: `authorization_code refresh_token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub grant_types: Option<Vec<EnumSpec<GrantType>>>,
    /// `Required` (default): users are always asked for consent. `Implied`: clients from other
    /// namespaces may set `consent: Implied`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<EnumSpec<ConsentPolicy>>,
}
