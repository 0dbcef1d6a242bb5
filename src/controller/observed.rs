//! What the controller acts on: a view and the verdicts on it.

use std::sync::Arc;

use crate::{
    api::{CachedObject, CachedSecret, ManagedKind, SecretState, SourceView, owner},
    model::{ObjectKey, ObjectKind, ObjectRef},
    registry::{Snapshot, Verdict},
};

/// One moment of the source, and the verdicts in force.
#[derive(Clone, Debug, Default)]
pub struct ObservedState {
    /// What the source shows.
    pub view: Arc<SourceView>,
    /// The snapshot in force: of this view, or of one just before.
    pub snapshot: Arc<Snapshot>,
}

/// Where an object is in its life.
#[derive(Clone, Copy, Debug)]
pub struct ObjectState<'a> {
    /// Its resourceVersion.
    pub version: Option<&'a str>,
    /// Its generation.
    pub generation: Option<i64>,
    /// Whether it is being deleted.
    pub is_going: bool,
}

impl<'a> ObjectState<'a> {
    fn of(object: &'a CachedObject<impl ManagedKind>) -> Self {
        Self {
            version: object.version(),
            generation: object.generation(),
            is_going: object.is_deleting(),
        }
    }
}

impl ObservedState {
    /// A view and a snapshot.
    pub fn new(view: Arc<SourceView>, snapshot: Arc<Snapshot>) -> Self {
        Self { view, snapshot }
    }

    /// Whether anything may be concluded from what is *not* there.
    pub fn is_known(&self) -> bool {
        self.view.health.synced && self.snapshot.revision > 0
    }

    /// The verdict on an object, if it is of the generation that the view shows. A verdict on an
    /// older one is about to be replaced, and acting on it could undo an edit.
    pub fn verdict(&self, object: &ObjectRef) -> Option<&Arc<Verdict>> {
        let verdict = self.snapshot.verdicts().get(object)?;
        let malformed = self.view.objects.malformed.get(object);
        let generation = match (malformed, self.state(object)) {
            (Some(malformed), _) => malformed.generation,
            (None, Some(state)) if !state.is_going => state.generation,
            _ => return None,
        };
        (verdict.generation == generation).then_some(verdict)
    }

    /// Where an object is in its life, if it could be read.
    pub fn state(&self, object: &ObjectRef) -> Option<ObjectState<'_>> {
        let objects = &self.view.objects;
        match object.kind {
            ObjectKind::Tenant => objects.tenants.get(&object.key).map(ObjectState::of),
            ObjectKind::OidcClient => objects.clients.get(&object.key).map(ObjectState::of),
            ObjectKind::OidcUser => objects.users.get(&object.key).map(ObjectState::of),
            ObjectKind::Secret | ObjectKind::Namespace => None,
        }
    }

    /// The Secret of this name as far as it is known.
    pub fn secret(&self, key: &ObjectKey) -> Option<&SecretState> {
        self.view.objects.secrets.get(key)
    }

    /// Secrets that were made for an object, found among those of its namespace.
    pub fn owned<'a>(
        &'a self,
        object: &'a ObjectRef,
    ) -> impl Iterator<Item = (&'a ObjectKey, &'a CachedSecret)> {
        let secrets = self.view.objects.secrets.range(object.key.beside("")..);
        let near = secrets.take_while(|(key, _)| key.namespace == object.key.namespace);
        near.filter_map(|(key, state)| match state {
            SecretState::Loaded(secret) if owner::owns(object, secret) => Some((key, secret)),
            SecretState::Loaded(_) | SecretState::Unreadable(_) => None,
        })
    }
}
