//! Finds the objects to reconcile by comparing two states. Pure. Shared objects are compared by
//! address, so that a change of one object costs only a walk over pointers.

use std::{cmp::Ordering, collections::BTreeSet, sync::Arc};

use super::observed::ObservedState;
use crate::{
    api::{AnyCachedObject, ObjectSet, SecretState, owner},
    model::{ManagedKind, ObjectKey, ObjectKind, ObjectRef},
    registry::Verdict,
};

/// The objects that changed, that were deleted, or whose verdict or Secrets changed.
pub fn changed_objects(before: &ObservedState, after: &ObservedState) -> BTreeSet<ObjectRef> {
    let (old, new) = (&before.view.objects, &after.view.objects);
    let mut changed = BTreeSet::new();
    if !Arc::ptr_eq(old, new) {
        for kind in ManagedKind::ALL {
            let (old, new) = (old.managed.of_kind(kind), new.managed.of_kind(kind));
            different(old, new, AnyCachedObject::ptr_eq, |key| {
                changed.insert(ObjectRef::new(kind, key.clone()));
            });
        }
        different(&old.malformed, &new.malformed, PartialEq::eq, |object| {
            changed.insert(object.clone());
        });
        different(&old.secrets, &new.secrets, same_secret, |key| {
            // The installation's keys belong to no object, so their Secret itself is the item of work.
            changed.insert(ObjectRef::new(ObjectKind::Secret, key.clone()));
            changed.extend([old, new].into_iter().filter_map(|objects| owner_of(objects, key)));
        });
    }
    if !Arc::ptr_eq(&before.snapshot, &after.snapshot) {
        different(verdicts(before), verdicts(after), Arc::ptr_eq, |object| {
            changed.insert(object.clone());
        });
    }
    changed
}

fn verdicts(observed: &ObservedState) -> impl Iterator<Item = (&ObjectRef, &Arc<Verdict>)> {
    observed.snapshot.verdicts().iter().map(|verdict| (&verdict.object, verdict))
}

fn owner_of(objects: &ObjectSet, key: &ObjectKey) -> Option<ObjectRef> {
    match objects.secrets.get(key)? {
        SecretState::Loaded(secret) => owner::owner_of(&key.namespace, secret),
        SecretState::Unreadable(_) => None,
    }
}

fn same_secret(one: &SecretState, other: &SecretState) -> bool {
    match (one, other) {
        (SecretState::Loaded(one), SecretState::Loaded(other)) => one.ptr_eq(other),
        (SecretState::Unreadable(one), SecretState::Unreadable(other)) => one == other,
        _ => false,
    }
}

/// Calls a function for each key that is in only one map or has different values. Both iterators
/// must be sorted by key.
fn different<'a, K: Ord + 'a, V: 'a>(
    old: impl IntoIterator<Item = (&'a K, &'a V)>,
    new: impl IntoIterator<Item = (&'a K, &'a V)>,
    same: impl Fn(&V, &V) -> bool,
    mut tell: impl FnMut(&K),
) {
    let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            // Most values are shared, which `==` detects without reading them.
            (Some((before, _)), Some((after, _))) if before == after => Ordering::Equal,
            (Some((before, _)), Some((after, _))) => before.cmp(after),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return,
        };
        let before = old.next_if(|_| order.is_le());
        let after = new.next_if(|_| order.is_ge());
        match (before, after) {
            (Some((_, before)), Some((_, after))) if same(before, after) => {}
            (Some((key, _)), _) | (None, Some((key, _))) => tell(key),
            (None, None) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn reports_added_removed_and_changed_keys() {
        for (old, new, expected) in [
            ("", "", ""),
            ("a1 b1", "a1 b1", ""),
            ("a1 b1 c1", "a1 b2 c1", "b"),
            ("", "a1 b1", "ab"),
            ("a1 b1", "", "ab"),
            ("a1 c1 e1", "b1 c1 d1", "abde"),
        ] {
            let parse = |text: &'static str| -> BTreeMap<&str, &str> {
                text.split_whitespace().map(|word| word.split_at(1)).collect()
            };
            let mut told = String::new();
            different(&parse(old), &parse(new), PartialEq::eq, |key| told.push_str(key));
            assert_eq!(told, expected, "{old:?} to {new:?}");
        }
    }
}
