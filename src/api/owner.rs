//! Ownership of Secrets: decided by annotation, never by UID, because a restored object has a new
//! UID. The owner reference exists only for the garbage collector. See
//! docs/design/cluster.md#ownership.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

pub use super::owner_reference::set_owner_reference;
use super::{CachedSecret, MANAGED_LABEL, OWNER_ANNOTATION, owner_reference::parse_owner};
use crate::model::{ObjectKey, ObjectKind, ObjectRef};

/// The value of the owner annotation: `<Kind>/<name>`.
pub fn owner_annotation(kind: &str, name: &str) -> String {
    format!("{kind}/{name}")
}

/// The owner of a Secret. It is in the Secret's namespace.
pub fn owner_of(namespace: &str, secret: &CachedSecret) -> Option<ObjectRef> {
    parse_owner_annotation(namespace, secret.owner()?)
}

/// Parses the owner annotation of a Secret in this namespace.
pub fn parse_owner_annotation(namespace: &str, annotation: &str) -> Option<ObjectRef> {
    let (kind, name) = parse_owner(annotation)?;
    Some(ObjectRef { kind, key: ObjectKey::new(namespace, name) })
}

/// Returns true if a Secret is owned by an object, by annotation.
pub fn is_owner(object: &ObjectRef, secret: &CachedSecret) -> bool {
    is_owned_by(secret, object.kind, &object.key.name)
}

/// Returns true if a Secret is owned by the object of this kind and name, by annotation. See
/// docs/design/cluster.md#ownership.
pub fn is_owned_by(secret: &CachedSecret, kind: impl Into<ObjectKind>, name: &str) -> bool {
    let kind = kind.into();
    secret.owner().is_some_and(|owner| owner.split_once('/') == Some((kind.as_str(), name)))
}

/// Sets the label and the annotation that every Secret created by Lanyard has.
pub fn mark_owned(metadata: &mut ObjectMeta, owner: &str) {
    let labels = metadata.labels.get_or_insert_default();
    labels.insert(MANAGED_LABEL.to_owned(), "true".to_owned());
    let annotations = metadata.annotations.get_or_insert_default();
    annotations.insert(OWNER_ANNOTATION.to_owned(), owner.to_owned());
}

/// The metadata of a new Secret that Lanyard owns.
pub fn owned_metadata(key: &ObjectKey, owner: &str) -> ObjectMeta {
    let mut metadata = ObjectMeta {
        namespace: Some(key.namespace.to_string()),
        name: Some(key.name.to_string()),
        labels: Some(BTreeMap::new()),
        ..ObjectMeta::default()
    };
    mark_owned(&mut metadata, owner);
    metadata
}
