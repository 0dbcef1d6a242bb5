//! The state that the controller acts on: a view and the verdicts on its objects.

use std::sync::Arc;

use crate::{
    api::{AnyCachedObject, CachedSecret, SecretState, SourceView, owner},
    model::{ObjectKey, ObjectKind, ObjectRef},
    registry::{Snapshot, Verdict},
};

/// A view of the source, and the current verdicts.
#[derive(Clone, Debug, Default)]
pub struct ObservedState {
    /// The view of the source.
    pub view: Arc<SourceView>,
    /// The current snapshot, built from this view or from an earlier one.
    pub snapshot: Arc<Snapshot>,
}

/// Version and lifecycle of an object.
#[derive(Clone, Copy, Debug)]
pub struct ObjectState<'a> {
    /// `metadata.resourceVersion`. A write at it fails if the object has changed since.
    pub version: Option<&'a str>,
    /// `metadata.generation`, which the status repeats as `observedGeneration`.
    pub generation: Option<i64>,
    /// Whether the object has a deletion timestamp.
    pub is_deleting: bool,
}

impl ObservedState {
    /// Combines a view and a snapshot.
    pub fn new(view: Arc<SourceView>, snapshot: Arc<Snapshot>) -> Self {
        Self { view, snapshot }
    }

    /// Returns true if an object that is absent from the view does not exist.
    pub fn is_known(&self) -> bool {
        self.view.health.synced && self.snapshot.revision > 0
    }

    /// The verdict on an object, if it has the generation of the view. A verdict on an older
    /// generation will soon be replaced; acting on it could undo an edit.
    pub fn verdict(&self, object: &ObjectRef) -> Option<&Arc<Verdict>> {
        let verdict = self.snapshot.verdicts().get(object)?;
        let malformed = self.view.objects.malformed.get(object);
        let generation = match (malformed, self.state(object)) {
            (Some(malformed), _) => malformed.generation,
            (None, Some(state)) if !state.is_deleting => state.generation,
            _ => return None,
        };
        (verdict.generation == generation).then_some(verdict)
    }

    /// Version and lifecycle of an object; `None` if it is not in the view.
    pub fn state(&self, object: &ObjectRef) -> Option<ObjectState<'_>> {
        self.managed(object).map(|found| ObjectState {
            version: found.version(),
            generation: found.generation(),
            is_deleting: found.is_deleting(),
        })
    }

    /// An object of one of Lanyard's own kinds; `None` if it is not in the view.
    pub fn managed(&self, object: &ObjectRef) -> Option<&AnyCachedObject> {
        match object.kind {
            ObjectKind::Managed(kind) => self.view.objects.managed.find(kind, &object.key),
            ObjectKind::Secret | ObjectKind::Namespace | ObjectKind::ConfigMap => None,
        }
    }

    /// A Secret, if it is in the view.
    pub fn secret(&self, key: &ObjectKey) -> Option<&SecretState> {
        self.view.objects.secrets.get(key)
    }

    /// Secrets owned by an object, which are in its namespace.
    pub fn owned<'a>(
        &'a self,
        object: &'a ObjectRef,
    ) -> impl Iterator<Item = (&'a ObjectKey, &'a CachedSecret)> {
        let secrets = self.view.objects.secrets.range(object.key.in_same_namespace("")..);
        let near = secrets.take_while(|(key, _)| key.namespace == object.key.namespace);
        near.filter_map(|(key, state)| match state {
            SecretState::Loaded(secret) if owner::is_owner(object, secret) => Some((key, secret)),
            SecretState::Loaded(_) | SecretState::Unreadable(_) => None,
        })
    }
}
