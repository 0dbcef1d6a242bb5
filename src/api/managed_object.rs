//! Objects of Lanyard's own kinds: the trait of their types, and values of any of them.

use std::{any::Any, fmt::Debug};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use kube::{CustomResourceExt, Resource, core::NamespaceResourceScope};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    StatusDigest,
    kinds::{managed_kinds, with_variant},
};
use crate::model::{ManagedKind, ObjectKey, ObjectRef};

/// One of Lanyard's own kinds. Each type implements it next to its definition.
pub trait ManagedObject:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + CustomResourceExt
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// The kind, with its name and its plural.
    const KIND: ManagedKind;
    /// The type of the kind's `spec`.
    type Spec: Serialize + DeserializeOwned;
    /// The type of the kind's `status`.
    type Status: Clone + Debug + Default + PartialEq + Serialize;
    /// Summary fields that are read for every object whenever any object changes.
    type Summary: Clone + Debug + PartialEq + Send + Sync;
    /// Facts read from the status, in addition to the [`StatusDigest`].
    type StatusFacts: Clone + Debug + PartialEq + Send + Sync;

    /// The `spec` of the object.
    fn spec(&self) -> &Self::Spec;
    /// Splits an object into metadata, spec and status.
    fn into_parts(self) -> (ObjectMeta, Self::Spec, Option<Self::Status>);
    /// Builds an object without a status.
    fn from_parts(metadata: ObjectMeta, spec: Self::Spec) -> Self;
    /// Summarises this object, whose namespace and name are `key`.
    fn summary(&self, key: &ObjectKey) -> Self::Summary;
    /// Names of the Secrets in a summary, whether the object refers to them or Lanyard creates
    /// them.
    fn secrets(summary: &Self::Summary) -> Vec<&ObjectKey>;
    /// The conditions of a status (`status.conditions`).
    fn conditions(status: &Self::Status) -> &[Condition];
    /// The digest of a status, by which a write without a change is skipped.
    fn status_digest(status: &Self::Status) -> StatusDigest;
    /// Facts read from a status, in addition to its digest.
    fn status_facts(status: &Self::Status, summary: &Self::Summary) -> Self::StatusFacts;
}

managed_kinds!(enum_of_kinds!
    /// An object of any of Lanyard's own kinds, as a user wrote it.
    #[derive(Clone, Debug)]
    pub enum AnyObject(Box)
);

impl AnyObject {
    /// The metadata of the object, of any kind.
    pub fn metadata(&self) -> &ObjectMeta {
        with_variant!(AnyObject, self, it => it.meta())
    }

    /// The metadata, to change it.
    pub fn metadata_mut(&mut self) -> &mut ObjectMeta {
        with_variant!(AnyObject, self, it => it.meta_mut())
    }

    /// Kind, namespace and name.
    pub fn reference(&self) -> ObjectRef {
        let kind = with_variant!(AnyObject, self, _it: K => K::KIND);
        let ObjectMeta { namespace, name, .. } = self.metadata();
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        ObjectRef::new(kind, ObjectKey::new(text(namespace), text(name)))
    }
}

/// The type of a kind's status.
type StatusOf<K> = <K as ManagedObject>::Status;

managed_kinds!(enum_of_kinds!
    /// The status of an object of any of Lanyard's own kinds.
    #[derive(Clone, Debug, PartialEq)]
    pub enum AnyStatus(StatusOf)
);

impl AnyStatus {
    /// The conditions of the status, of any kind.
    pub fn conditions(&self) -> &[Condition] {
        with_variant!(AnyStatus, self, it: K => K::conditions(it))
    }

    /// The digest of the status, by which a write without a change is skipped.
    pub fn digest(&self) -> StatusDigest {
        with_variant!(AnyStatus, self, it: K => K::status_digest(it))
    }

    /// The status as JSON.
    pub fn to_json(&self) -> Value {
        with_variant!(AnyStatus, self, it => json!(it))
    }

    /// The status, if it is of this kind.
    pub fn downcast_ref<K: ManagedObject>(&self) -> Option<&K::Status> {
        let status: &dyn Any = with_variant!(AnyStatus, self, it => it);
        status.downcast_ref()
    }
}
