//! The CRDs as YAML, one file a kind, and the schemas in them.

use kube::CustomResourceExt;

use super::{OidcClient, OidcUser, Tenant};

/// File name and content of each CRD.
pub fn definitions() -> [(&'static str, String); 3] {
    [
        ("lanyard.dev_tenants.yaml", yaml::<Tenant>()),
        ("lanyard.dev_oidcclients.yaml", yaml::<OidcClient>()),
        ("lanyard.dev_oidcusers.yaml", yaml::<OidcUser>()),
    ]
}

fn yaml<K: CustomResourceExt>() -> String {
    serde_yaml::to_string(&K::crd()).expect("a definition holds no maps with keys that are no text")
}

/// The schema of a kind of ours, by its name.
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
