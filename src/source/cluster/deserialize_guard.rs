//! Deserializes an object or records the error, so that one malformed object neither stops a watch
//! nor hides other objects, and its owner learns which field is wrong.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, core::PartialObjectMeta};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use serde_json::Value;
use serde_path_to_error::Segment;

use super::delegate_resource::kind_of;
use crate::{api::RawStatus, source::deserialize_errors};

/// Most parts of an object that are repaired or left out.
const MAX_UNREADABLE_PARTS: usize = 64;

/// A watched object, or the reason why it does not deserialize.
#[derive(Clone, Debug)]
pub(super) struct DeserializedOrError<K>(
    pub(super) Result<DeserializedObject<K>, Box<UnreadableObject<K>>>,
);

/// An object, and the fields of its spec that this release does not know. The API server stores
/// them only if its definitions are of a newer release.
#[derive(Clone, Debug)]
pub(super) struct DeserializedObject<K> {
    pub(super) object: K,
    pub(super) unknown_fields: Box<[Box<str>]>,
}

/// An object that does not deserialize.
#[derive(Clone, Debug)]
pub(super) struct UnreadableObject<K> {
    /// The path of the field that does not deserialize, such as `spec.redirectUris[1]`.
    pub(super) field: String,
    /// The field and the error.
    pub(super) message: String,
    /// The object without the parts that do not deserialize, if the others suffice.
    pub(super) rest: Option<K>,
    pub(super) metadata: ObjectMeta,
    pub(super) status: RawStatus,
}

/// Deserializes an object, and collects the unknown fields of its spec.
fn read<K: DeserializeOwned>(value: &Value) -> Result<DeserializedObject<K>, serde_json::Error> {
    let mut unknown = Vec::new();
    let object = serde_ignored::deserialize(value, |path| {
        let field = deserialize_errors::field_path(&path.to_string());
        if field.starts_with("spec.") {
            unknown.push(field.into());
        }
    })?;
    Ok(DeserializedObject { object, unknown_fields: unknown.into() })
}

/// The object that remains without the parts that do not deserialize. A number or truth value where a text
/// belongs is taken for the text.
fn readable_rest<K: DeserializeOwned>(mut value: Value) -> Option<K> {
    for _ in 0..MAX_UNREADABLE_PARTS {
        match serde_path_to_error::deserialize(&value) {
            Ok(object) => return Some(object),
            Err(error) => {
                let error: serde_path_to_error::Error<serde_json::Error> = error;
                let path: Vec<&Segment> = error.path().iter().collect();
                repair(&mut value, &path)?;
            }
        }
    }
    None
}

/// Makes a text of the value at a path, or removes it.
fn repair(value: &mut Value, path: &[&Segment]) -> Option<()> {
    let (last, parents) = path.split_last()?;
    let parent = parents.iter().try_fold(value, |value, segment| match segment {
        Segment::Map { key } => value.get_mut(key),
        Segment::Seq { index } => value.get_mut(index),
        Segment::Enum { .. } | Segment::Unknown => None,
    })?;
    let part = match last {
        Segment::Map { key } => parent.get_mut(key),
        Segment::Seq { index } => parent.get_mut(index),
        Segment::Enum { .. } | Segment::Unknown => None,
    }?;
    if part.is_number() || part.is_boolean() {
        *part = Value::String(part.to_string());
        return Some(());
    }
    match (last, parent) {
        (Segment::Map { key }, Value::Object(members)) => members.remove(key).map(drop),
        (Segment::Seq { index }, Value::Array(items)) => {
            items.remove(*index);
            Some(())
        }
        _ => None,
    }
}

impl<'de, K: DeserializeOwned + Resource> Deserialize<'de> for DeserializedOrError<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        if let Ok(object) = read(&value) {
            return Ok(Self(Ok(object)));
        }
        // Paths are tracked only after an error, because that is slower.
        let read = match serde_path_to_error::deserialize(&value) {
            Ok(object) => Ok(DeserializedObject { object, unknown_fields: Box::default() }),
            Err(error) => {
                let status = RawStatus::read(value["status"].take());
                let rest = readable_rest(value.clone());
                let PartialObjectMeta { metadata, .. } =
                    PartialObjectMeta::<K>::deserialize(value).map_err(D::Error::custom)?;
                let (field, said) = deserialize_errors::deserialize_remedy(
                    &error.path().to_string(),
                    &error.inner().to_string(),
                );
                let message = format!("{field}: {said}");
                Err(Box::new(UnreadableObject { field, message, rest, metadata, status }))
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
    use crate::api::{OidcClient, OidcUser};

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
        let UnreadableObject { message, status, rest, .. } = *guarded.0.expect_err("unread");
        assert!(message.starts_with("spec.redirectUris[1]: must be a string"), "{message}");
        assert_eq!(status.to_json()["clientId"], "team.shop");
        let uris = rest.expect("a client").spec.redirect_uris;
        assert_eq!(uris, ["https://shop.test/cb", "5"], "a number is taken for a text");
    }

    #[test]
    fn the_rest_of_a_malformed_object_keeps_the_names_that_can_be_read() {
        let user = json!({
            "apiVersion": "lanyard.dev/v1alpha1", "kind": "OidcUser",
            "metadata": {"name": "grace", "namespace": "team"},
            "spec": {
                "tenantRef": {"name": "main"}, "username": "grace", "disabled": ["x"],
                "email": {"work": "grace@acme.test"},
                "identities": [{"provider": "corp", "subject": 7}, {"provider": "corp"}],
            },
        });
        let read: DeserializedOrError<OidcUser> = serde_json::from_value(user).expect("metadata");
        let spec = read.0.expect_err("unread").rest.expect("a user").spec;
        assert_eq!((&*spec.username, spec.email, spec.disabled), ("grace", None, None));
        let [identity] = &*spec.identities else { panic!("{:?}", spec.identities) };
        assert_eq!((&*identity.provider, &*identity.subject), ("corp", "7"));
    }

    #[test]
    fn an_object_without_a_required_part_has_no_rest() {
        let user = json!({
            "apiVersion": "lanyard.dev/v1alpha1", "kind": "OidcUser",
            "metadata": {"name": "grace", "namespace": "team"}, "spec": {"username": "grace"},
        });
        let read: DeserializedOrError<OidcUser> = serde_json::from_value(user).expect("metadata");
        assert!(read.0.expect_err("unread").rest.is_none());
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
