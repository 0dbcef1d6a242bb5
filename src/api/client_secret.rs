//! `spec.secret` of an `OidcClient`: the Secret that Lanyard creates for it.

use std::collections::BTreeMap;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::rules::{self, client};

/// Name and content of the Secret that Lanyard creates for the application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = client::distinct_entries())]
pub struct ClientSecretTemplate {
    /// Name of the Secret. Default: `<name of the client>-oidc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name())]
    pub name: Option<String>,
    /// Names of the credential entries, for applications that expect other names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<ClientSecretKeys>,
    /// Labels to set on the Secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub labels: BTreeMap<String, String>,
    /// Annotations to set on the Secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub annotations: BTreeMap<String, String>,
    /// Additional entries of the Secret, by name. The values are plain text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub extra: BTreeMap<String, String>,
    /// Additional entries of the Secret, by name. The values contain `$(clientId)`, `$(clientSecret)`,
    /// `$(issuer)`, `$(internalUrl)` (the issuer, if the installation has no internal host),
    /// `$(authorizationEndpoint)`, `$(tokenEndpoint)`, `$(userinfoEndpoint)`, `$(jwksUri)` and
    /// `$(endSessionEndpoint)`. Write `$$(` for the text `$(`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub template: BTreeMap<String, String>,
}

/// Names of the credential entries in the client's Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientSecretKeys {
    /// Entry that holds the client ID. Default: `client-id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::entry_name())]
    pub client_id: Option<String>,
    /// Entry that holds the client secret. Default: `client-secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::entry_name())]
    pub client_secret: Option<String>,
    /// Entry that holds the issuer URL. Default: `issuer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::entry_name())]
    pub issuer: Option<String>,
    /// Entry that holds the issuer's address inside the cluster, or the issuer if the installation
    /// has no internal host. Default: no such entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::entry_name())]
    pub internal_url: Option<String>,
}

impl ClientSecretKeys {
    /// Default entry name of the client ID.
    pub const CLIENT_ID: &'static str = "client-id";
    /// Default entry name of the client secret.
    pub const CLIENT_SECRET: &'static str = "client-secret";
    /// Default entry name of the issuer.
    pub const ISSUER: &'static str = "issuer";
}
