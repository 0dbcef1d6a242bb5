//! Custom resources in the compact form that the source caches. An installation has thousands, and
//! most are rarely read. A parsed summary holds the fields that every change needs; the spec stays
//! JSON, which takes a tenth of the memory of the parsed form. The status is reduced to a digest.

use std::{fmt::Debug, sync::Arc};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Serialize, de::DeserializeOwned};

use super::{REGISTERED_LABEL, REGISTRATION_TOKEN_ANNOTATION, StatusDigest, USED_ANNOTATION};
use crate::model::ObjectKey;

/// A custom resource kind that can be stored as a [`CachedObject`].
pub trait ManagedKind: Sized {
    /// The kind's `spec`.
    type Spec: Serialize + DeserializeOwned;
    /// The kind's `status`.
    type Status: Default;
    /// Summary fields that are read for every object whenever any object changes.
    type Summary: Clone + Debug + PartialEq;
    /// Facts read from the status, in addition to the [`StatusDigest`].
    type StatusFacts: Clone + Debug;

    /// Splits an object into metadata, spec and status.
    fn into_parts(self) -> (ObjectMeta, Self::Spec, Option<Self::Status>);
    /// Builds an object without a status.
    fn from_parts(metadata: ObjectMeta, spec: Self::Spec) -> Self;
    /// Summarises this object, whose namespace and name are `key`.
    fn summary(&self, key: &ObjectKey) -> Self::Summary;
    /// Names of the Secrets in a summary, whether the object refers to them or Lanyard creates
    /// them.
    fn secrets(card: &Self::Summary) -> Vec<&ObjectKey>;
    /// The digest of a status.
    fn status_digest(status: &Self::Status) -> StatusDigest;
    /// Facts read from a status, in addition to its digest.
    fn status_facts(status: &Self::Status, card: &Self::Summary) -> Self::StatusFacts;
}

/// A cached object. Clones share the data.
#[derive(Debug)]
pub struct CachedObject<K: ManagedKind>(Arc<Parts<K>>);

#[derive(Debug)]
struct Parts<K: ManagedKind> {
    version: Option<Box<str>>,
    told: StatusDigest,
    seen: K::StatusFacts,
    declared: Declared<K::Summary>,
}

/// The desired state: spec and metadata, without resourceVersion and status.
#[derive(Clone, Debug, PartialEq)]
struct Declared<Card> {
    generation: Option<i64>,
    going: bool,
    card: Card,
    /// The spec, and the metadata that [`retained_metadata`] keeps.
    json: Box<str>,
}

impl<K: ManagedKind> Clone for CachedObject<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: ManagedKind> CachedObject<K> {
    /// Caches an object whose namespace and name are `key`.
    pub fn new(key: &ObjectKey, object: K) -> Self {
        let card = object.summary(key);
        let (mut metadata, spec, status) = object.into_parts();
        let status = status.unwrap_or_default();
        let version = metadata.resource_version.take().map(Into::into);
        let generation = metadata.generation;
        let going = metadata.deletion_timestamp.is_some();
        let json = serde_json::to_string(&(retained_metadata(metadata), spec));
        let json = json.expect("an object read from JSON serialises").into();
        Self(Arc::new(Parts {
            version,
            told: K::status_digest(&status),
            seen: K::status_facts(&status, &card),
            declared: Declared { generation, going, card, json },
        }))
    }

    /// Returns a copy with a different status.
    #[must_use]
    pub fn with_status(&self, status: &K::Status) -> Self {
        Self(Arc::new(Parts {
            version: self.0.version.clone(),
            told: K::status_digest(status),
            seen: K::status_facts(status, self.card()),
            declared: self.0.declared.clone(),
        }))
    }

    /// Returns a copy with the status of `before`, an earlier version of the same object.
    #[must_use]
    pub fn with_status_of(&self, before: &Self) -> Self {
        let Parts { told, seen, .. } = &*before.0;
        let (told, seen) = (told.clone(), seen.clone());
        let (version, declared) = (self.0.version.clone(), self.0.declared.clone());
        Self(Arc::new(Parts { version, told, seen, declared }))
    }

    /// Parses the desired state. The result has no status, and only the metadata that
    /// [`retained_metadata`] keeps.
    pub fn declared(&self, key: &ObjectKey) -> K {
        let (metadata, spec) = self.parsed();
        let metadata = ObjectMeta {
            namespace: Some(key.namespace.to_string()),
            name: Some(key.name.to_string()),
            generation: self.generation(),
            ..metadata
        };
        K::from_parts(metadata, spec)
    }

    /// The UID, if the object has one (files have none).
    pub fn uid(&self) -> Option<String> {
        self.parsed().0.uid
    }

    fn parsed(&self) -> (ObjectMeta, K::Spec) {
        let json = &self.0.declared.json;
        serde_json::from_str(json).expect("the JSON was written from the same types")
    }

    /// The summary of the object.
    pub fn card(&self) -> &K::Summary {
        &self.0.declared.card
    }

    /// Names of the Secrets that the object refers to or that Lanyard creates for it.
    pub fn secrets(&self) -> Vec<&ObjectKey> {
        K::secrets(self.card())
    }

    /// `metadata.generation`.
    pub fn generation(&self) -> Option<i64> {
        self.0.declared.generation
    }

    /// `metadata.resourceVersion`.
    pub fn version(&self) -> Option<&str> {
        self.0.version.as_deref()
    }

    /// Returns true if the object has a deletion timestamp.
    pub fn is_deleting(&self) -> bool {
        self.0.declared.going
    }

    /// The digest of the object's status.
    pub fn status_digest(&self) -> &StatusDigest {
        &self.0.told
    }

    /// Facts read from the object's status, in addition to its digest.
    pub fn seen(&self) -> &K::StatusFacts {
        &self.0.seen
    }

    /// Returns true if both share the same data.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns true if spec and retained metadata are the same; ignores resourceVersion and status.
    pub fn same_desired_state(&self, other: &Self) -> bool {
        self.0.declared == other.0.declared
    }
}

/// Metadata that is read anywhere in the program; the rest is dropped.
fn retained_metadata(metadata: ObjectMeta) -> ObjectMeta {
    let mut labels = metadata.labels.unwrap_or_default();
    labels.retain(|name, _| name == REGISTERED_LABEL);
    let mut annotations = metadata.annotations.unwrap_or_default();
    annotations.retain(|name, _| {
        [REGISTRATION_TOKEN_ANNOTATION, USED_ANNOTATION].contains(&name.as_str())
    });
    ObjectMeta {
        uid: metadata.uid,
        creation_timestamp: metadata.creation_timestamp,
        labels: Some(labels).filter(|labels| !labels.is_empty()),
        annotations: Some(annotations).filter(|annotations| !annotations.is_empty()),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::api::OidcClient;

    fn key() -> ObjectKey {
        ObjectKey::new("team", "shop")
    }

    fn object() -> Value {
        json!({
            "apiVersion": "lanyard.dev/v1alpha1", "kind": "OidcClient",
            "metadata": {
                "name": "shop", "namespace": "team", "uid": "4d5e", "generation": 3,
                "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z",
                "labels": { REGISTERED_LABEL: "true" }, "annotations": { USED_ANNOTATION: "true" },
            },
            "spec": {
                "tenantRef": { "name": "main" }, "redirectUris": ["https://shop.test/cb"],
                "tokenEndpointAuthMethod": "of_tomorrow", "jwks": { "keys": [] },
            },
        })
    }

    fn read(object: Value) -> OidcClient {
        serde_json::from_value(object).expect("a client")
    }

    fn kept(change: impl FnOnce(&mut Value)) -> CachedObject<OidcClient> {
        let mut object = object();
        change(&mut object);
        CachedObject::new(&key(), read(object))
    }

    #[test]
    fn declared_returns_the_spec_as_written() {
        let (mut expected, declared) = (read(object()), kept(|_| {}).declared(&key()));
        expected.metadata.resource_version = None;
        assert_eq!((declared.metadata, declared.spec), (expected.metadata, expected.spec));
    }

    #[test]
    fn unused_metadata_and_status_do_not_change_the_desired_state() {
        let other = kept(|object| {
            object["metadata"]["resourceVersion"] = "8".into();
            object["metadata"]["labels"]["app"] = "shop".into();
            object["status"] = json!({ "clientId": "team.shop" });
        });
        assert!(kept(|_| {}).same_desired_state(&other));
    }

    #[test]
    fn spec_uid_generation_annotations_and_deletion_change_the_desired_state() {
        for change in [
            (|object| object["spec"]["clientName"] = "Shop".into()) as fn(&mut Value),
            |object| object["metadata"]["uid"] = "4d5f".into(),
            |object| object["metadata"]["generation"] = 4.into(),
            |object| object["metadata"]["annotations"] = json!({}),
            |object| object["metadata"]["deletionTimestamp"] = "2026-01-02T00:00:00Z".into(),
        ] {
            assert!(!kept(|_| {}).same_desired_state(&kept(change)));
        }
    }
}
