//! Deserializes an object or records the error, so that one malformed object neither stops a watch
//! nor hides other objects, and its owner learns which field is wrong.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, core::PartialObjectMeta};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use serde_json::Value;

use super::delegate_resource::kind_of;
use crate::source::deserialize_errors;

/// A watched object, or the reason why it does not deserialize.
#[derive(Clone, Debug)]
pub(super) struct DeserializedOrError<K>(pub(super) Result<K, UnreadableObject>);

/// An object that does not deserialize.
#[derive(Clone, Debug)]
pub(super) struct UnreadableObject {
    /// The field and the error.
    pub(super) message: String,
    pub(super) metadata: ObjectMeta,
}

impl<'de, K: DeserializeOwned + Resource> Deserialize<'de> for DeserializedOrError<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        // Paths are tracked only after an error, because that is slower.
        let read = K::deserialize(&value).or_else(|_| serde_path_to_error::deserialize(&value));
        let read = match read {
            Ok(object) => Ok(object),
            Err(error) => {
                let PartialObjectMeta { metadata, .. } =
                    PartialObjectMeta::<K>::deserialize(value).map_err(D::Error::custom)?;
                let (field, said) = deserialize_errors::remedy(
                    &error.path().to_string(),
                    &error.inner().to_string(),
                );
                let message = format!("{field}: {said}");
                Err(UnreadableObject { message, metadata })
            }
        };
        Ok(Self(read))
    }
}

impl<K: Resource> Resource for DeserializedOrError<K> {
    kind_of!(K);

    fn meta(&self) -> &ObjectMeta {
        self.0.as_ref().map_or_else(|unread| &unread.metadata, K::meta)
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.as_mut().map_or_else(|unread| &mut unread.metadata, K::meta_mut)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::OidcClient;

    fn read(redirect_uris: &Value) -> DeserializedOrError<OidcClient> {
        let client = json!({
            "apiVersion": "lanyard.dev/v1alpha1", "kind": "OidcClient",
            "metadata": {"name": "shop", "namespace": "team", "generation": 3},
            "spec": {"tenantRef": {"name": "main"}, "redirectUris": redirect_uris},
        });
        serde_json::from_value(client).expect("metadata suffices")
    }

    #[test]
    fn a_valid_object_is_deserialized() {
        let read = read(&json!(["https://shop.test/cb"])).0.expect("read");
        assert_eq!(read.spec.redirect_uris.len(), 1);
    }

    #[test]
    fn a_malformed_object_reports_the_field() {
        let guarded = read(&json!(["https://shop.test/cb", 5]));
        assert_eq!(guarded.meta().generation, Some(3));
        let message = guarded.0.expect_err("unread").message;
        assert!(message.starts_with("spec.redirectUris[1]: must be a string"), "{message}");
    }
}
