//! Ownership of Secrets: decided by annotation, never by UID, because a restored object has a new
//! UID. The owner reference exists only for the garbage collector. See
//! docs/design/cluster.md#ownership.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::{CachedSecret, GROUP, MANAGED_LABEL, OWNER_ANNOTATION, VERSION};
use crate::model::{ManagedKind, ObjectKey, ObjectKind, ObjectRef};

/// The value of the owner annotation: `<Kind>/<name>`.
pub fn annotation(kind: &str, name: &str) -> String {
    format!("{kind}/{name}")
}

/// The owner of a Secret. It is in the Secret's namespace.
pub fn of(namespace: &str, secret: &CachedSecret) -> Option<ObjectRef> {
    let (kind, name) = parse(secret.owner()?)?;
    Some(ObjectRef { kind, key: ObjectKey::new(namespace, name) })
}

/// Parses the value of the owner annotation.
fn parse(annotation: &str) -> Option<(ObjectKind, &str)> {
    let (kind, name) = annotation.split_once('/')?;
    Some((ManagedKind::from_name(kind)?.into(), name))
}

/// Returns true if a Secret is owned by an object, by annotation.
pub fn owns(object: &ObjectRef, secret: &CachedSecret) -> bool {
    is_owned_by(secret, object.kind, &object.key.name)
}

/// Returns true if a Secret is owned by the object of this kind and name, by annotation. See
/// docs/design/cluster.md#ownership.
pub fn is_owned_by(secret: &CachedSecret, kind: impl Into<ObjectKind>, name: &str) -> bool {
    let kind = kind.into();
    secret.owner().is_some_and(|owner| owner.split_once('/') == Some((kind.as_str(), name)))
}

/// Sets the label and the annotation that every Secret created by Lanyard has.
pub fn mark(metadata: &mut ObjectMeta, owner: &str) {
    let labels = metadata.labels.get_or_insert_default();
    labels.insert(MANAGED_LABEL.to_owned(), "true".to_owned());
    let annotations = metadata.annotations.get_or_insert_default();
    annotations.insert(OWNER_ANNOTATION.to_owned(), owner.to_owned());
}

/// Metadata for a new Secret.
pub fn metadata(key: &ObjectKey, owner: &str) -> ObjectMeta {
    let mut metadata = ObjectMeta {
        namespace: Some(key.namespace.to_string()),
        name: Some(key.name.to_string()),
        labels: Some(BTreeMap::new()),
        ..ObjectMeta::default()
    };
    mark(&mut metadata, owner);
    metadata
}

/// Sets the owner reference to the owner's current UID, for the garbage collector. Does nothing for
/// objects of a folder, which have no UID.
pub fn refer(metadata: &mut ObjectMeta, owner: &ObjectRef, uid: Option<&str>) {
    let Some(uid) = uid else { return };
    let wanted = reference(owner.kind, &owner.key.name, uid);
    let references = metadata.owner_references.get_or_insert_default();
    if references.contains(&wanted) {
        return;
    }
    let group = format!("{GROUP}/");
    references.retain(|other| {
        !(other.api_version.starts_with(&group)
            && other.kind == wanted.kind
            && other.name == wanted.name)
    });
    references.push(wanted);
}

fn reference(kind: ObjectKind, name: &str, uid: &str) -> OwnerReference {
    OwnerReference {
        api_version: format!("{GROUP}/{VERSION}"),
        kind: kind.as_str().to_owned(),
        name: name.to_owned(),
        uid: uid.to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(false),
    }
}

/// Removes the only owner reference if it names the annotated owner. Returns its UID, from which
/// [`put_reference`] restores it.
pub(super) fn take_reference(metadata: &mut ObjectMeta, annotation: &str) -> Option<Box<str>> {
    let references = metadata.owner_references.take_if(|references| {
        let said = parse(annotation);
        matches!((&references[..], said), ([only], Some((kind, name)))
            if *only == reference(kind, name, &only.uid))
    });
    references?.pop().map(|only| only.uid.into())
}

/// Restores an owner reference that [`take_reference`] removed.
pub(super) fn put_reference(metadata: &mut ObjectMeta, annotation: &str, uid: &str) {
    let said = parse(annotation);
    metadata.owner_references = said.map(|(kind, name)| vec![reference(kind, name, uid)]);
}
