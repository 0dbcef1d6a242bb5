//! The `CustomResourceDefinition`s as YAML, and their schemas.

use kube::CustomResourceExt;

use super::{OidcClient, OidcUser, Tenant};

/// File name and content of each `CustomResourceDefinition`.
pub fn definitions() -> [(&'static str, String); 3] {
    [
        ("lanyard.dev_tenants.yaml", yaml::<Tenant>()),
        ("lanyard.dev_oidcclients.yaml", yaml::<OidcClient>()),
        ("lanyard.dev_oidcusers.yaml", yaml::<OidcUser>()),
    ]
}

fn yaml<K: CustomResourceExt>() -> String {
    serde_yaml::to_string(&K::crd()).expect("all map keys of a CRD are strings")
}

/// The CRD's `OpenAPI` schema for a kind, or `None` for an unknown kind.
pub fn schema(kind: &str) -> Option<serde_json::Value> {
    let definition = match kind {
        "Tenant" => Tenant::crd(),
        "OidcClient" => OidcClient::crd(),
        "OidcUser" => OidcUser::crd(),
        _ => return None,
    };
    let version = definition.spec.versions.into_iter().next()?;
    serde_json::to_value(version.schema?.open_api_v3_schema?).ok()
}
