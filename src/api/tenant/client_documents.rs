//! The clients that are described by a metadata document.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{EnumSpec, rules},
    model::ClientDocumentMode,
};

/// Clients without registration: their `client_id` is the https URL of a JSON document with their metadata
/// (draft-ietf-oauth-client-id-metadata-document). No object is created for them, and people are asked for
/// consent each time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::tenant::hosts_only_with_allowed_hosts())]
#[x_kube(validation = rules::tenant::denied_hosts_only_with_any_host())]
pub struct ClientDocumentsSpec {
    /// `Disabled` (default); `AllowedHosts`: documents of the hosts in `hosts`; `AnyHost`: documents of every
    /// host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<EnumSpec<ClientDocumentMode>>,
    /// Hosts (or `*.suffix`) whose documents are accepted. Removing a host ends the access of its clients at
    /// their next request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    #[x_kube(validation = rules::tenant::host_patterns())]
    pub hosts: Vec<String>,
    /// Hosts (or `*.suffix`) whose documents are not accepted, with `mode: AnyHost`. Adding a host ends the access of its
    /// clients at their next request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    #[x_kube(validation = rules::tenant::host_patterns())]
    pub denied_hosts: Vec<String>,
    /// Scopes that the clients may have. Default: `openid profile email offline_access`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 128)))]
    #[x_kube(validation = rules::scopes())]
    pub scopes: Option<Vec<String>>,
    /// Names of the ResourceServer objects that the clients may request tokens for. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 63)))]
    #[x_kube(validation = rules::unique())]
    pub resources: Vec<String>,
    /// Hosts (or `*.suffix`) that redirect URIs may have, with https, or with http on loopback hosts such as
    /// `localhost`. Other redirect URIs of a document have no effect. Default: the document's own host, and all
    /// loopback hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    #[x_kube(validation = rules::tenant::host_patterns())]
    pub redirect_hosts: Option<Vec<String>>,
}
