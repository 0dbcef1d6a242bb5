//! A cached object of any kind, with the operations that do not depend on the kind.

use std::any::Any;

use super::{
    AnyObject, AnyStatus, CachedObject, ManagedObject, StatusDigest,
    kinds::{managed_kinds, with_variant},
};
use crate::model::{ManagedKind, ObjectKey};

managed_kinds!(enum_of_kinds!
    /// A cached object of any of Lanyard's own kinds. Clones share the data.
    #[derive(Clone, Debug)]
    pub enum AnyCachedObject(CachedObject)
);

impl AnyCachedObject {
    /// Caches an object whose namespace and name are `key`.
    pub fn new(key: &ObjectKey, object: AnyObject) -> Self {
        with_variant!(AnyObject, object, it => CachedObject::new(key, *it).into())
    }

    /// The kind of the object.
    pub fn kind(&self) -> ManagedKind {
        with_variant!(AnyCachedObject, self, _it: K => K::KIND)
    }

    /// The object, if it is of this kind.
    pub fn downcast_ref<K: ManagedObject>(&self) -> Option<&CachedObject<K>> {
        let object: &dyn Any = with_variant!(AnyCachedObject, self, it => it);
        object.downcast_ref()
    }

    /// The UID, if the object has one (files have none).
    pub fn uid(&self) -> Option<String> {
        with_variant!(AnyCachedObject, self, it => it.uid())
    }

    /// Names of the Secrets that the object refers to or that Lanyard creates for it.
    pub fn secrets(&self) -> Vec<&ObjectKey> {
        with_variant!(AnyCachedObject, self, it => it.secrets())
    }

    /// `metadata.generation`, which the API server sets.
    pub fn generation(&self) -> Option<i64> {
        with_variant!(AnyCachedObject, self, it => it.generation())
    }

    /// `metadata.resourceVersion`, which the API server sets.
    pub fn version(&self) -> Option<&str> {
        with_variant!(AnyCachedObject, self, it => it.version())
    }

    /// Returns true if the object has a deletion timestamp.
    pub fn is_deleting(&self) -> bool {
        with_variant!(AnyCachedObject, self, it => it.is_deleting())
    }

    /// The digest of the object's status.
    pub fn status_digest(&self) -> &StatusDigest {
        with_variant!(AnyCachedObject, self, it => it.status_digest())
    }

    /// Returns a copy with a different status, or none if the status is of another kind.
    #[must_use]
    pub fn with_status(&self, status: &AnyStatus) -> Option<Self> {
        with_variant!(AnyCachedObject, self, it: K => {
            status.downcast_ref::<K>().map(|status| it.with_status(status).into())
        })
    }

    /// Returns a copy with the status of `before`, or none if that is of another kind.
    #[must_use]
    pub fn with_status_of(&self, before: &Self) -> Option<Self> {
        with_variant!(AnyCachedObject, self, it => {
            before.downcast_ref().map(|before| it.with_status_of(before).into())
        })
    }

    /// Returns true if both share the same data.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        with_variant!(AnyCachedObject, self, it => {
            other.downcast_ref().is_some_and(|other| it.ptr_eq(other))
        })
    }

    /// Returns true if all that is served from the object is the same: the desired state, and the
    /// facts of the status.
    pub fn same_inputs(&self, other: &Self) -> bool {
        with_variant!(AnyCachedObject, self, it => {
            other.downcast_ref().is_some_and(|other| it.same_inputs(other))
        })
    }

    /// Returns true if spec and retained metadata are the same; ignores resourceVersion and status.
    pub fn same_desired_state(&self, other: &Self) -> bool {
        with_variant!(AnyCachedObject, self, it => {
            other.downcast_ref().is_some_and(|other| it.same_desired_state(other))
        })
    }
}
