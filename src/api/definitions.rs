//! The `CustomResourceDefinition`s as YAML, and their schemas.

use kube::CustomResourceExt;

use super::{GROUP, kinds::with_kind};
use crate::model::ManagedKind;

/// File name and content of each `CustomResourceDefinition`.
pub fn custom_resource_definitions() -> [(String, String); ManagedKind::ALL.len()] {
    ManagedKind::ALL.map(|kind| {
        let definition = with_kind!(kind, K => K::crd());
        let yaml = serde_yaml::to_string(&definition).expect("all map keys of a CRD are strings");
        (format!("{GROUP}_{}.yaml", kind.plural()), yaml)
    })
}

/// The CRD's `OpenAPI` schema for a kind.
pub fn kind_schema(kind: ManagedKind) -> Option<serde_json::Value> {
    let version = with_kind!(kind, K => K::crd()).spec.versions.into_iter().next()?;
    serde_json::to_value(version.schema?.open_api_v3_schema?).ok()
}
