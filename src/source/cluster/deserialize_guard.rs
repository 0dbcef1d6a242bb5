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
use crate::{api::RawStatus, source::deserialize_errors};

/// A watched object, or the reason why it does not deserialize.
#[derive(Clone, Debug)]
pub(super) struct DeserializedOrError<K>(pub(super) Result<ReadObject<K>, UnreadableObject>);

/// An object, and the fields of its spec that this release does not know. The API server stores
/// them only if its definitions are of a newer release.
#[derive(Clone, Debug)]
pub(super) struct ReadObject<K> {
    pub(super) object: K,
    pub(super) unknown_fields: Box<[Box<str>]>,
}

/// An object that does not deserialize.
#[derive(Clone, Debug)]
pub(super) struct UnreadableObject {
    /// The field and the error.
    pub(super) message: String,
    pub(super) metadata: ObjectMeta,
    pub(super) status: RawStatus,
}

/// Deserializes an object, and collects the unknown fields of its spec.
fn read<K: DeserializeOwned>(value: &Value) -> Result<ReadObject<K>, serde_json::Error> {
    let mut unknown = Vec::new();
    let object = serde_ignored::deserialize(value, |path| {
        let field = deserialize_errors::field_path(&path.to_string());
        if field.starts_with("spec.") {
            unknown.push(field.into());
        }
    })?;
    Ok(ReadObject { object, unknown_fields: unknown.into() })
}

impl<'de, K: DeserializeOwned + Resource> Deserialize<'de> for DeserializedOrError<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        if let Ok(object) = read(&value) {
            return Ok(Self(Ok(object)));
        }
        // Paths are tracked only after an error, because that is slower.
        let read = match serde_path_to_error::deserialize(&value) {
            Ok(object) => Ok(ReadObject { object, unknown_fields: Box::default() }),
            Err(error) => {
                let status = RawStatus::read(value["status"].take());
                let PartialObjectMeta { metadata, .. } =
                    PartialObjectMeta::<K>::deserialize(value).map_err(D::Error::custom)?;
                let (field, said) = deserialize_errors::deserialize_remedy(
                    &error.path().to_string(),
                    &error.inner().to_string(),
                );
                let message = format!("{field}: {said}");
                Err(UnreadableObject { message, metadata, status })
            }
        };
        Ok(Self(read))
    }
}

impl<K: Resource> Resource for DeserializedOrError<K> {
    kind_of!(K);

    fn meta(&self) -> &ObjectMeta {
        self.0.as_ref().map_or_else(|unread| &unread.metadata, |read| read.object.meta())
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.as_mut().map_or_else(|unread| &mut unread.metadata, |read| read.object.meta_mut())
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
            "status": {"clientId": "team.shop"},
        });
        serde_json::from_value(client).expect("metadata suffices")
    }

    #[test]
    fn a_valid_object_is_deserialized() {
        let read = read(&json!(["https://shop.test/cb"])).0.expect("read");
        assert_eq!(read.object.spec.redirect_uris.len(), 1);
        assert!(read.unknown_fields.is_empty());
    }

    #[test]
    fn a_malformed_object_reports_the_field() {
        let guarded = read(&json!(["https://shop.test/cb", 5]));
        assert_eq!(guarded.meta().generation, Some(3));
        let UnreadableObject { message, status, .. } = guarded.0.expect_err("unread");
        assert!(message.starts_with("spec.redirectUris[1]: must be a string"), "{message}");
        assert_eq!(status.to_json()["clientId"], "team.shop");
    }

    #[test]
    fn unknown_fields_of_the_spec_are_collected() {
        let client = json!({
            "apiVersion": "lanyard.dev/v1alpha1", "kind": "OidcClient",
            "metadata": {"name": "shop", "namespace": "team", "ofTomorrow": 1},
            "spec": {
                "tenantRef": {"name": "main"}, "requireMfa": true,
                "secret": {"keys": {"pin": "x"}}, "jwks": {"keys": [], "any": 1},
            },
            "status": {"ofTomorrow": 1},
        });
        let read: DeserializedOrError<OidcClient> = serde_json::from_value(client).expect("read");
        let unknown = read.0.expect("read").unknown_fields;
        let unknown: std::collections::BTreeSet<&str> = unknown.iter().map(|it| &**it).collect();
        assert!(unknown.iter().eq(&["spec.requireMfa", "spec.secret.keys.pin"]), "{unknown:?}");
    }
}
