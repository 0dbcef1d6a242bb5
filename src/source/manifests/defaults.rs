//! Changes that an API server makes to objects before it stores them.

use k8s_openapi::{
    ByteString, api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde_json::Value;

use super::ManifestObject;

/// Brings the entries of a Secret into the form that is deserialized. Go takes an empty value for
/// an empty text, and ignores line breaks in base64.
pub(super) fn normalize_secret(secret: &mut Value) {
    for field in ["data", "stringData"] {
        let Some(Value::Object(entries)) = secret.get_mut(field) else { continue };
        for value in entries.values_mut() {
            match value {
                Value::Null => *value = Value::String(String::new()),
                Value::String(text) if field == "data" => text.retain(|c| c != '\r' && c != '\n'),
                _ => {}
            }
        }
    }
}

/// Sets the namespace `default`, merges `stringData` into `data`, and labels a Namespace with its name.
pub(super) fn apply_defaults(object: &mut ManifestObject) {
    let namespaced = |metadata: &mut ObjectMeta| {
        metadata.namespace.get_or_insert_with(|| "default".to_owned());
    };
    match object {
        ManifestObject::Managed(object) => namespaced(object.metadata_mut()),
        ManifestObject::Secret(secret) => {
            namespaced(&mut secret.metadata);
            merge_string_data(secret);
        }
        ManifestObject::Namespace(namespace) => {
            let name = namespace.metadata.name.clone().unwrap_or_default();
            let labels = namespace.metadata.labels.get_or_insert_default();
            labels.insert("kubernetes.io/metadata.name".to_owned(), name);
        }
    }
}

fn merge_string_data(secret: &mut Secret) {
    let data = secret.data.get_or_insert_default();
    for (name, value) in secret.string_data.take().unwrap_or_default() {
        data.insert(name, ByteString(value.into_bytes()));
    }
}
