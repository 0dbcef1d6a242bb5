//! Objects as they are kept. There are thousands, and few are looked into: what is asked of each
//! one whenever anything changes is on a card, and what its owner declared is JSON, which takes a
//! tenth of the memory of the parsed form. Of its status only marks are left.

use std::{fmt::Debug, sync::Arc};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Serialize, de::DeserializeOwned};

use super::{REGISTERED_LABEL, REGISTRATION_TOKEN_ANNOTATION, StatusDigest, USED_ANNOTATION};
use crate::model::ObjectKey;

/// A kind whose objects are kept.
pub trait ManagedKind: Sized {
    /// What its owner declares.
    type Spec: Serialize + DeserializeOwned;
    /// What Lanyard says of it.
    type Status: Default;
    /// What is asked of each one whenever anything changes.
    type Card: Clone + Debug + PartialEq;
    /// What was read off its status, beside what all kinds' statuses have.
    type Seen: Clone + Debug;

    /// Takes an object apart.
    fn into_parts(self) -> (ObjectMeta, Self::Spec, Option<Self::Status>);
    /// Makes an object without a status.
    fn from_parts(metadata: ObjectMeta, spec: Self::Spec) -> Self;
    /// The card of an object of this name.
    fn card(&self, key: &ObjectKey) -> Self::Card;
    /// The Secrets on a card: that it refers to or that are made for it.
    fn secrets(card: &Self::Card) -> Vec<&ObjectKey>;
    /// What a status says.
    fn status_digest(status: &Self::Status) -> StatusDigest;
    /// What else is read off it.
    fn seen(status: &Self::Status, card: &Self::Card) -> Self::Seen;
}

/// An object. Clones share it.
#[derive(Debug)]
pub struct CachedObject<K: ManagedKind>(Arc<Parts<K>>);

#[derive(Debug)]
struct Parts<K: ManagedKind> {
    version: Option<Box<str>>,
    told: StatusDigest,
    seen: K::Seen,
    declared: Declared<K::Card>,
}

/// What is served by.
#[derive(Clone, Debug, PartialEq)]
struct Declared<Card> {
    generation: Option<i64>,
    going: bool,
    card: Card,
    /// Of metadata what anybody reads, and the spec.
    json: Box<str>,
}

impl<K: ManagedKind> Clone for CachedObject<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: ManagedKind> CachedObject<K> {
    /// Keeps an object of this name.
    pub fn new(key: &ObjectKey, object: K) -> Self {
        let card = object.card(key);
        let (mut metadata, spec, status) = object.into_parts();
        let status = status.unwrap_or_default();
        let version = metadata.resource_version.take().map(Into::into);
        let generation = metadata.generation;
        let going = metadata.deletion_timestamp.is_some();
        let json = serde_json::to_string(&(read_of(metadata), spec));
        let json = json.expect("what was JSON is JSON again").into();
        Self(Arc::new(Parts {
            version,
            told: K::status_digest(&status),
            seen: K::seen(&status, &card),
            declared: Declared { generation, going, card, json },
        }))
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(&self, status: &K::Status) -> Self {
        Self(Arc::new(Parts {
            version: self.0.version.clone(),
            told: K::status_digest(status),
            seen: K::seen(status, self.card()),
            declared: self.0.declared.clone(),
        }))
    }

    /// The same, with what was told of an earlier form of it.
    #[must_use]
    pub fn with_status_of(&self, before: &Self) -> Self {
        let Parts { told, seen, .. } = &*before.0;
        let (told, seen) = (told.clone(), seen.clone());
        let (version, declared) = (self.0.version.clone(), self.0.declared.clone());
        Self(Arc::new(Parts { version, told, seen, declared }))
    }

    /// What its owner declared, parsed. It has no status, and of metadata what anybody reads.
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

    /// Its UID, where it has one.
    pub fn uid(&self) -> Option<String> {
        self.parsed().0.uid
    }

    fn parsed(&self) -> (ObjectMeta, K::Spec) {
        let json = &self.0.declared.json;
        serde_json::from_str(json).expect("it was written from the same types")
    }

    /// Its card.
    pub fn card(&self) -> &K::Card {
        &self.0.declared.card
    }

    /// The Secrets that it refers to or that are made for it.
    pub fn secrets(&self) -> Vec<&ObjectKey> {
        K::secrets(self.card())
    }

    /// Its generation.
    pub fn generation(&self) -> Option<i64> {
        self.0.declared.generation
    }

    /// Its resourceVersion.
    pub fn version(&self) -> Option<&str> {
        self.0.version.as_deref()
    }

    /// Whether it is being deleted.
    pub fn is_deleting(&self) -> bool {
        self.0.declared.going
    }

    /// What its status said.
    pub fn told(&self) -> &StatusDigest {
        &self.0.told
    }

    /// What else was read off its status.
    pub fn seen(&self) -> &K::Seen {
        &self.0.seen
    }

    /// Whether both are the one that was kept at one time.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether both declare the same, whatever their versions and statuses.
    pub fn same_desired_state(&self, other: &Self) -> bool {
        self.0.declared == other.0.declared
    }
}

/// Of metadata what anybody reads.
fn read_of(metadata: ObjectMeta) -> ObjectMeta {
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
    fn declares_what_its_owner_wrote() {
        let (mut expected, declared) = (read(object()), kept(|_| {}).declared(&key()));
        expected.metadata.resource_version = None;
        assert_eq!((declared.metadata, declared.spec), (expected.metadata, expected.spec));
    }

    #[test]
    fn what_nobody_reads_is_no_news() {
        let other = kept(|object| {
            object["metadata"]["resourceVersion"] = "8".into();
            object["metadata"]["labels"]["app"] = "shop".into();
            object["status"] = json!({ "clientId": "team.shop" });
        });
        assert!(kept(|_| {}).same_desired_state(&other));
    }

    #[test]
    fn what_is_served_by_is_news() {
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
