//! Which objects have to be looked at, given what was seen before. Pure; by identity of what is
//! shared, so that a view with one change costs a walk over pointers and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::world::World;
use crate::{
    api::{Kept, Objects, SecretState, owner},
    model::{Kind, ObjectKey, ObjectRef},
};

/// The objects that changed, or whose verdict or Secrets did, and those that are gone.
pub fn changes(before: &World, after: &World) -> BTreeSet<ObjectRef> {
    let (old, new) = (&before.view.objects, &after.view.objects);
    let mut changed = BTreeSet::new();
    if !Arc::ptr_eq(old, new) {
        different(&old.tenants, &new.tenants, Kept::is, |key| {
            add(&mut changed, Kind::Tenant, key);
        });
        different(&old.clients, &new.clients, Kept::is, |key| {
            add(&mut changed, Kind::OidcClient, key);
        });
        different(&old.users, &new.users, Kept::is, |key| {
            add(&mut changed, Kind::OidcUser, key);
        });
        different(&old.malformed, &new.malformed, PartialEq::eq, |object| {
            changed.insert(object.clone());
        });
        different(&old.secrets, &new.secrets, same_secret, |key| {
            // The Secret itself stands for work that no object asks for (the sealing keys).
            add(&mut changed, Kind::Secret, key);
            changed.extend([old, new].into_iter().filter_map(|objects| owner_of(objects, key)));
        });
    }
    if !Arc::ptr_eq(&before.snapshot, &after.snapshot) {
        different(before.snapshot.verdicts(), after.snapshot.verdicts(), Arc::ptr_eq, |object| {
            changed.insert(object.clone());
        });
    }
    changed
}

fn add(changed: &mut BTreeSet<ObjectRef>, kind: Kind, key: &ObjectKey) {
    changed.insert(ObjectRef { kind, key: key.clone() });
}

fn owner_of(objects: &Objects, key: &ObjectKey) -> Option<ObjectRef> {
    match objects.secrets.get(key)? {
        SecretState::Loaded(secret) => owner::of(&key.namespace, secret),
        SecretState::Unreadable(_) => None,
    }
}

fn same_secret(one: &SecretState, other: &SecretState) -> bool {
    match (one, other) {
        (SecretState::Loaded(one), SecretState::Loaded(other)) => one.is(other),
        (SecretState::Unreadable(one), SecretState::Unreadable(other)) => one == other,
        _ => false,
    }
}

/// Tells of each key whose value is not the same in both, or that only one has.
fn different<K: Ord, V>(
    old: &BTreeMap<K, V>,
    new: &BTreeMap<K, V>,
    same: impl Fn(&V, &V) -> bool,
    mut tell: impl FnMut(&K),
) {
    for (key, value) in new {
        if !old.get(key).is_some_and(|before| same(before, value)) {
            tell(key);
        }
    }
    for key in old.keys().filter(|key| !new.contains_key(key)) {
        tell(key);
    }
}
