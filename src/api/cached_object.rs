//! Custom resources in the compact form that the source caches. An installation has thousands, and
//! most are rarely read. A parsed summary holds the fields that every change needs; the spec stays
//! JSON, which takes a tenth of the memory of the parsed form. The status is reduced to a digest.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{
    ManagedObject, REGISTERED_LABEL, REGISTRATION_TOKEN_ANNOTATION, StatusDigest, USED_ANNOTATION,
};
use crate::model::ObjectKey;

/// A cached object. Clones share the data.
#[derive(Debug)]
pub struct CachedObject<K: ManagedObject>(Arc<CachedParts<K>>);

#[derive(Debug)]
struct CachedParts<K: ManagedObject> {
    version: Option<Box<str>>,
    status_digest: StatusDigest,
    status_facts: K::StatusFacts,
    declared: Declared<K::Summary>,
}

/// The desired state: spec and metadata, without resourceVersion and status.
#[derive(Clone, Debug, PartialEq)]
struct Declared<Summary> {
    generation: Option<i64>,
    is_deleting: bool,
    summary: Summary,
    /// Fields of the spec that this release does not know, or cannot read.
    unknown_fields: Box<[Box<str>]>,
    /// The spec, and the metadata that [`retained_metadata`] keeps.
    json: Box<str>,
}

impl<K: ManagedObject> Clone for CachedObject<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: ManagedObject> CachedObject<K> {
    /// Caches an object whose namespace and name are `key`.
    pub fn new(key: &ObjectKey, object: K) -> Self {
        let summary = object.summary(key);
        let (mut metadata, spec, status) = object.into_parts();
        let version = metadata.resource_version.take().map(Into::into);
        let generation = metadata.generation;
        let is_deleting = metadata.deletion_timestamp.is_some();
        let json = serde_json::to_string(&(retained_metadata(metadata), spec));
        let json = json.expect("an object read from JSON serialises").into();
        let unknown_fields = Box::default();
        let declared = Declared { generation, is_deleting, summary, unknown_fields, json };
        Self::from_declared(version, declared, &status.unwrap_or_default())
    }

    /// Returns a copy that records fields of the spec which this release does not know, or cannot read.
    #[must_use]
    pub fn with_unknown_fields(self, unknown_fields: Box<[Box<str>]>) -> Self {
        if unknown_fields.is_empty() {
            return self;
        }
        let CachedParts { version, status_digest, status_facts, declared } = &*self.0;
        Self(Arc::new(CachedParts {
            version: version.clone(),
            status_digest: status_digest.clone(),
            status_facts: status_facts.clone(),
            declared: Declared { unknown_fields, ..declared.clone() },
        }))
    }

    /// Fields of the spec that this release does not know, or cannot read.
    pub fn unknown_fields(&self) -> &[Box<str>] {
        &self.0.declared.unknown_fields
    }

    fn from_declared(
        version: Option<Box<str>>,
        declared: Declared<K::Summary>,
        status: &K::Status,
    ) -> Self {
        let status_digest = K::status_digest(status);
        let status_facts = K::status_facts(status, &declared.summary);
        Self(Arc::new(CachedParts { version, status_digest, status_facts, declared }))
    }

    /// Returns a copy with a different status.
    #[must_use]
    pub fn with_status(&self, status: &K::Status) -> Self {
        Self::from_declared(self.0.version.clone(), self.0.declared.clone(), status)
    }

    /// Returns a copy with the status of `before`, an earlier version of the same object.
    #[must_use]
    pub fn with_status_of(&self, before: &Self) -> Self {
        Self(Arc::new(CachedParts {
            version: self.0.version.clone(),
            status_digest: before.0.status_digest.clone(),
            status_facts: before.0.status_facts.clone(),
            declared: self.0.declared.clone(),
        }))
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

    /// The fields that are read for every object whenever any object changes.
    pub fn summary(&self) -> &K::Summary {
        &self.0.declared.summary
    }

    /// Names of the Secrets that the object refers to or that Lanyard creates for it.
    pub fn secrets(&self) -> Vec<&ObjectKey> {
        K::secrets(self.summary())
    }

    /// `metadata.generation`, which the API server sets.
    pub fn generation(&self) -> Option<i64> {
        self.0.declared.generation
    }

    /// `metadata.resourceVersion`, which the API server sets.
    pub fn version(&self) -> Option<&str> {
        self.0.version.as_deref()
    }

    /// Returns true if the object has a deletion timestamp.
    pub fn is_deleting(&self) -> bool {
        self.0.declared.is_deleting
    }

    /// The digest of the object's status.
    pub fn status_digest(&self) -> &StatusDigest {
        &self.0.status_digest
    }

    /// Facts read from the object's status, in addition to its digest.
    pub fn status_facts(&self) -> &K::StatusFacts {
        &self.0.status_facts
    }

    /// Returns true if both share the same data.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns true if spec and retained metadata are the same; ignores resourceVersion and status.
    pub fn same_desired_state(&self, other: &Self) -> bool {
        self.0.declared == other.0.declared
    }

    /// Returns true if all that is served from the object is the same: the desired state, and the
    /// facts of the status.
    pub fn same_inputs(&self, other: &Self) -> bool {
        self.same_desired_state(other) && self.0.status_facts == other.0.status_facts
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

    fn cached(change: impl FnOnce(&mut Value)) -> CachedObject<OidcClient> {
        let mut object = object();
        change(&mut object);
        CachedObject::new(&key(), read(object))
    }

    #[test]
    fn declared_returns_the_spec_as_written() {
        let (mut expected, declared) = (read(object()), cached(|_| {}).declared(&key()));
        expected.metadata.resource_version = None;
        assert_eq!((declared.metadata, declared.spec), (expected.metadata, expected.spec));
    }

    #[test]
    fn unused_metadata_and_status_do_not_change_the_desired_state() {
        let other = cached(|object| {
            object["metadata"]["resourceVersion"] = "8".into();
            object["metadata"]["labels"]["app"] = "shop".into();
            object["status"] = json!({ "clientId": "team.shop" });
        });
        assert!(cached(|_| {}).same_desired_state(&other));
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
            assert!(!cached(|_| {}).same_desired_state(&cached(change)));
        }
    }
}
