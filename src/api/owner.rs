//! Whose a Secret is: by annotation, never by UID, since restores change those
//! (docs/design/cluster.md#ownership). The owner reference beside it is for the garbage collector
//! alone.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::{CachedSecret, GROUP, MANAGED_LABEL, OWNER_ANNOTATION, VERSION};
use crate::model::{ObjectKey, ObjectKind, ObjectRef};

/// The annotation's value.
pub fn annotation(kind: &str, name: &str) -> String {
    format!("{kind}/{name}")
}

/// The object that a Secret was made for, which is in the Secret's namespace.
pub fn of(namespace: &str, secret: &CachedSecret) -> Option<ObjectRef> {
    let (kind, name) = parse(secret.owner()?)?;
    Some(ObjectRef { kind, key: ObjectKey::new(namespace, name) })
}

/// The kind and the name that an annotation says.
fn parse(annotation: &str) -> Option<(ObjectKind, &str)> {
    let (kind, name) = annotation.split_once('/')?;
    let kind = [ObjectKind::Tenant, ObjectKind::OidcClient]
        .into_iter()
        .find(|known| known.as_str() == kind)?;
    Some((kind, name))
}

/// Whether a Secret was made for an object.
pub fn owns(object: &ObjectRef, secret: &CachedSecret) -> bool {
    is_owned_by(secret, object.kind, &object.key.name)
}

/// Whether a Secret was made for an object: by annotation, never by UID, since restores change
/// those (docs/design/cluster.md#ownership).
pub fn is_owned_by(secret: &CachedSecret, kind: ObjectKind, name: &str) -> bool {
    secret.owner().is_some_and(|owner| owner.split_once('/') == Some((kind.as_str(), name)))
}

/// Puts on what every Secret carries that is made here.
pub fn mark(metadata: &mut ObjectMeta, owner: &str) {
    let labels = metadata.labels.get_or_insert_default();
    labels.insert(MANAGED_LABEL.to_owned(), "true".to_owned());
    let annotations = metadata.annotations.get_or_insert_default();
    annotations.insert(OWNER_ANNOTATION.to_owned(), owner.to_owned());
}

/// Metadata of a new Secret.
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

/// Sees that the garbage collector knows the owner by the UID that it has now. Objects of a folder
/// have none.
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

/// Takes the reference off that says what the annotation says, if there is no other; its UID, by
/// which it can be made again.
pub(super) fn take_reference(metadata: &mut ObjectMeta, annotation: &str) -> Option<Box<str>> {
    let references = metadata.owner_references.take_if(|references| {
        let said = parse(annotation);
        matches!((&references[..], said), ([only], Some((kind, name)))
            if *only == reference(kind, name, &only.uid))
    });
    references?.pop().map(|only| only.uid.into())
}

/// Puts a reference on again that was taken off.
pub(super) fn put_reference(metadata: &mut ObjectMeta, annotation: &str, uid: &str) {
    let said = parse(annotation);
    metadata.owner_references = said.map(|(kind, name)| vec![reference(kind, name, uid)]);
}
