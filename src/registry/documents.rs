//! Documents that a snapshot prepares.

use serde_json::{Value, json};

use crate::model::Tenant;

/// The discovery document (OIDC Discovery §3).
pub fn discovery(tenant: &Tenant) -> Value {
    json!({ "issuer": tenant.issuer.as_str() })
}
