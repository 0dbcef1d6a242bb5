//! The CRDs as YAML, one file a kind.

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
