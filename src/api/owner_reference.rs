//! The owner reference of a Secret, for the garbage collector only. Its content follows from the
//! owner annotation and a UID.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::{GROUP, VERSION};
use crate::model::{ManagedKind, ObjectKind, ObjectRef};

/// Parses the value of the owner annotation.
pub(super) fn parse_owner(annotation: &str) -> Option<(ObjectKind, &str)> {
    let (kind, name) = annotation.split_once('/')?;
    Some((ManagedKind::from_name(kind)?.into(), name))
}

/// Sets the owner reference to the owner's current UID, for the garbage collector. Does nothing for
/// objects of a folder, which have no UID.
pub fn set_owner_reference(metadata: &mut ObjectMeta, owner: &ObjectRef, uid: Option<&str>) {
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
        let said = parse_owner(annotation);
        matches!((&references[..], said), ([only], Some((kind, name)))
            if *only == reference(kind, name, &only.uid))
    });
    references?.pop().map(|only| only.uid.into())
}

/// Restores an owner reference that [`take_reference`] removed.
pub(super) fn put_reference(metadata: &mut ObjectMeta, annotation: &str, uid: &str) {
    let said = parse_owner(annotation);
    metadata.owner_references = said.map(|(kind, name)| vec![reference(kind, name, uid)]);
}
