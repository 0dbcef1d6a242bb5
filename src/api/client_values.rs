//! Values of `OidcClient` fields: lifetimes, and the extent of introspection.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::rules;
use crate::model::wire_enum;

/// Lifetimes of a client's tokens. They can only shorten the tenant's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct OidcClientLifetimes {
    /// Lifetime of access tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "8784h"))]
    pub access_token: Option<String>,
    /// Lifetime of ID tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "8784h"))]
    pub id_token: Option<String>,
    /// Time after which an unused refresh token expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "8784h"))]
    pub refresh_token_idle: Option<String>,
    /// Maximum lifetime of a grant, regardless of how often it is refreshed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "8784h"))]
    pub refresh_token_absolute: Option<String>,
}

wire_enum!(
    /// The tokens that a client may introspect.
    Introspection {
        /// Tokens issued to the client or with it as audience.
        Own = "Own",
        /// Every access token of the tenant.
        Tenant = "Tenant",
    }
);
