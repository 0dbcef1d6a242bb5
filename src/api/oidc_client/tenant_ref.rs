//! The reference of a client to its Tenant.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::api::rules;

/// Reference to a Tenant in this or another namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantRef {
    /// Name of the Tenant.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::object_name())]
    pub name: String,
    /// Namespace of the Tenant. Default: this object's namespace. A Tenant in another namespace
    /// must admit this namespace in its `spec.clients.namespaces`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::object_name())]
    pub namespace: Option<String>,
}
