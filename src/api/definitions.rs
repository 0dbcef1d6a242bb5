//! The `CustomResourceDefinition`s as YAML, and their schemas.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;

use super::{GROUP, kinds::with_kind};
use crate::model::ManagedKind;

/// File name and content of each `CustomResourceDefinition`.
pub fn custom_resource_definitions() -> [(String, String); ManagedKind::ALL.len()] {
    ManagedKind::ALL.map(|kind| {
        let yaml =
            serde_yaml::to_string(&definition(kind)).expect("all map keys of a CRD are strings");
        (format!("{GROUP}_{}.yaml", kind.plural()), yaml)
    })
}

/// The CRD's `OpenAPI` schema for a kind.
pub fn kind_schema(kind: ManagedKind) -> Option<serde_json::Value> {
    let version = definition(kind).spec.versions.into_iter().next()?;
    serde_json::to_value(version.schema?.open_api_v3_schema?).ok()
}

/// The definition of a kind.
fn definition(kind: ManagedKind) -> CustomResourceDefinition {
    let mut definition = with_kind!(kind, K => K::crd());
    for version in &mut definition.spec.versions {
        let schema = version.schema.as_mut().and_then(|it| it.open_api_v3_schema.as_mut());
        if let Some(schema) = schema {
            use_known_formats(schema);
        }
    }
    definition
}

/// Replaces the formats of unsigned numbers, of which an API server warns, by those of signed numbers.
fn use_known_formats(schema: &mut JSONSchemaProps) {
    let signed = match schema.format.as_deref() {
        Some("uint8" | "uint16") => Some("int32"),
        Some("uint32" | "uint64" | "uint") => Some("int64"),
        _ => None,
    };
    if let Some(signed) = signed {
        schema.format = Some(signed.to_owned());
        schema.minimum = schema.minimum.or(Some(0.0));
    }
    for property in schema.properties.iter_mut().flat_map(BTreeMap::values_mut) {
        use_known_formats(property);
    }
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(item)) => use_known_formats(item),
        Some(JSONSchemaPropsOrArray::Schemas(items)) => {
            items.iter_mut().for_each(use_known_formats);
        }
        None => {}
    }
    if let Some(JSONSchemaPropsOrBool::Schema(value)) = &mut schema.additional_properties {
        use_known_formats(value);
    }
    for parts in [&mut schema.all_of, &mut schema.any_of, &mut schema.one_of] {
        parts.iter_mut().flatten().for_each(use_known_formats);
    }
}
