//! What the controller acts on: a view and the verdicts on it.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::{api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};

use crate::{
    api::{SecretState, View, owner},
    model::{Kind, ObjectKey, ObjectRef},
    registry::{Snapshot, Verdict},
};

/// One moment of the source, the verdicts in force, and who owns what.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// What the source shows.
    pub view: Arc<View>,
    /// The snapshot in force: of this view, or of one just before.
    pub snapshot: Arc<Snapshot>,
    owned: Arc<BTreeMap<ObjectRef, Vec<ObjectKey>>>,
}

impl World {
    /// A view and a snapshot.
    pub fn new(view: Arc<View>, snapshot: Arc<Snapshot>) -> Self {
        let mut owned: BTreeMap<ObjectRef, Vec<ObjectKey>> = BTreeMap::new();
        for (key, state) in &view.objects.secrets {
            let SecretState::Loaded(secret) = state else { continue };
            if let Some(object) = owner::of(&key.namespace, secret) {
                owned.entry(object).or_default().push(key.clone());
            }
        }
        Self { view, snapshot, owned: Arc::new(owned) }
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
        let generation = match (malformed, self.metadata(object)) {
            (Some(malformed), _) => malformed.generation,
            (None, Some(metadata)) if metadata.deletion_timestamp.is_none() => metadata.generation,
            _ => return None,
        };
        (verdict.generation == generation).then_some(verdict)
    }

    /// Metadata of an object, if it could be read.
    pub fn metadata(&self, object: &ObjectRef) -> Option<&ObjectMeta> {
        let objects = &self.view.objects;
        match object.kind {
            Kind::Tenant => objects.tenants.get(&object.key).map(|object| &object.metadata),
            Kind::OidcClient => objects.clients.get(&object.key).map(|object| &object.metadata),
            Kind::OidcUser => objects.users.get(&object.key).map(|object| &object.metadata),
            Kind::Secret | Kind::Namespace => None,
        }
    }

    /// The Secret of this name as far as it is known.
    pub fn secret(&self, key: &ObjectKey) -> Option<&SecretState> {
        self.view.objects.secrets.get(key)
    }

    /// Secrets that were made for an object.
    pub fn owned(&self, object: &ObjectRef) -> impl Iterator<Item = (&ObjectKey, &Arc<Secret>)> {
        let keys = self.owned.get(object).into_iter().flatten();
        keys.filter_map(|key| match self.secret(key)? {
            SecretState::Loaded(secret) => Some((key, secret)),
            SecretState::Unreadable(_) => None,
        })
    }
}
