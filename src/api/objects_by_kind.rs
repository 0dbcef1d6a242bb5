//! The objects of all of Lanyard's own kinds.

use std::collections::BTreeMap;

use super::{AnyCachedObject, CachedObject, ManagedObject};
use crate::model::{ManagedKind, ObjectKey, ObjectKind, ObjectRef};

/// Objects by kind, then by namespace and name. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ObjectsByKind([BTreeMap<ObjectKey, AnyCachedObject>; ManagedKind::ALL.len()]);

impl ObjectsByKind {
    /// The objects of a kind, with their type.
    pub fn of<K: ManagedObject>(&self) -> impl Iterator<Item = (&ObjectKey, &CachedObject<K>)> {
        self.of_kind(K::KIND).iter().filter_map(|(key, any)| Some((key, any.downcast_ref()?)))
    }

    /// An object of a kind, with its type.
    pub fn get<K: ManagedObject>(&self, key: &ObjectKey) -> Option<&CachedObject<K>> {
        self.find(K::KIND, key)?.downcast_ref()
    }

    /// The objects of a kind.
    pub fn of_kind(&self, kind: ManagedKind) -> &BTreeMap<ObjectKey, AnyCachedObject> {
        &self.0[kind as usize]
    }

    /// The object of a kind with a namespace and name.
    pub fn find(&self, kind: ManagedKind, key: &ObjectKey) -> Option<&AnyCachedObject> {
        self.of_kind(kind).get(key)
    }

    /// Returns true if there is an object.
    pub fn contains(&self, object: &ObjectRef) -> bool {
        match object.kind {
            ObjectKind::Managed(kind) => self.find(kind, &object.key).is_some(),
            _ => false,
        }
    }

    /// All objects, kind by kind, with namespace and name.
    pub fn all(&self) -> impl Iterator<Item = (&ObjectKey, &AnyCachedObject)> {
        self.0.iter().flatten()
    }

    /// Names of the Secrets that objects refer to or that Lanyard creates for them.
    pub fn secrets(&self) -> impl Iterator<Item = &ObjectKey> {
        self.all().flat_map(|(_, object)| object.secrets())
    }

    /// Adds or replaces an object. Returns the previous one.
    pub fn insert(
        &mut self,
        key: ObjectKey,
        object: impl Into<AnyCachedObject>,
    ) -> Option<AnyCachedObject> {
        let object = object.into();
        self.0[object.kind() as usize].insert(key, object)
    }

    /// Removes an object, and returns it. `None` if it is not there.
    pub fn remove(&mut self, kind: ManagedKind, key: &ObjectKey) -> Option<AnyCachedObject> {
        self.0[kind as usize].remove(key)
    }
}
