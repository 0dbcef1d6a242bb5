//! The Secret that a client asks for.

use std::collections::BTreeMap;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::rules::{self, client};

/// The Secret that Lanyard makes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = client::distinct_entries())]
pub struct ClientSecretTemplate {
    /// Name of the Secret. Default: `<name of the client>-oidc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name())]
    pub name: Option<String>,
    /// Names of the entries, where an application wants others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<ClientSecretKeys>,
    /// Labels on the Secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub labels: BTreeMap<String, String>,
    /// Annotations on the Secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub annotations: BTreeMap<String, String>,
    /// Further entries with these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub extra: BTreeMap<String, String>,
}

/// Names of the entries of a client's Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientSecretKeys {
    /// Default: `client-id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::entry_name())]
    pub client_id: Option<String>,
    /// Default: `client-secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::entry_name())]
    pub client_secret: Option<String>,
    /// Default: `issuer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::entry_name())]
    pub issuer: Option<String>,
}

impl ClientSecretKeys {
    /// The entry of the client id, unless another is named.
    pub const CLIENT_ID: &'static str = "client-id";
    /// The entry of the client secret.
    pub const CLIENT_SECRET: &'static str = "client-secret";
    /// The entry of the issuer.
    pub const ISSUER: &'static str = "issuer";
}
