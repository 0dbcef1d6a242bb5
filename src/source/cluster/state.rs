//! Accumulates watch events into a set of objects. No I/O.

mod retain;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use super::{
    forbidden::ForbiddenWatches,
    retention::{UnreferencedSecrets, drop_spare},
    watch_event::{WatchChange, WatchEntry, WatchEvent},
};
use crate::{
    api::{CachedSecret, NamespaceLabels, ObjectSet, SecretState},
    model::{KeySecrets, ObjectKey, ObjectKind, ObjectRef},
};

impl List {
    fn new(kind: ObjectKind) -> Self {
        Self { kind, complete: false, incoming: None, known: HashSet::new() }
    }
}

/// All objects received, and what is still missing.
pub(super) struct WatchState {
    pub(super) objects: Arc<ObjectSet>,
    /// Increases with each change that can affect what is served.
    pub(super) revision: u64,
    /// resourceVersions of Secrets that are fetched if an object refers to them.
    others: BTreeMap<ObjectKey, String>,
    /// The resourceVersion at which such a Secret was fetched.
    fetched: BTreeMap<ObjectKey, String>,
    denied: ForbiddenWatches,
    lists: Vec<List>,
    /// The Secrets with the installation's keys, which belong to no object.
    key_secrets: KeySecrets,
    spares: UnreferencedSecrets,
    /// Namespaces in which an object was removed, or names other Secrets than before.
    released: BTreeSet<Arc<str>>,
}

/// The list of one watch.
struct List {
    kind: ObjectKind,
    complete: bool,
    /// The objects received so far during a list. Objects that are not among them at its end are
    /// deleted.
    incoming: Option<HashSet<ObjectRef>>,
    known: HashSet<ObjectRef>,
}

impl WatchState {
    pub(super) fn new(
        watches: impl IntoIterator<Item = ObjectKind>,
        key_secrets: KeySecrets,
        sees_namespaces: bool,
    ) -> Self {
        let mut objects = ObjectSet::default();
        if sees_namespaces {
            objects.namespaces = NamespaceLabels::Known(BTreeMap::new());
        }
        Self {
            objects: Arc::new(objects),
            revision: 0,
            others: BTreeMap::new(),
            fetched: BTreeMap::new(),
            denied: ForbiddenWatches::default(),
            lists: watches.into_iter().map(List::new).collect(),
            key_secrets,
            spares: UnreferencedSecrets::new(),
            released: BTreeSet::new(),
        }
    }

    /// Returns true if every permitted initial list of Lanyard's own kinds is complete, so that it
    /// is known to which objects Secrets belong.
    pub(super) fn objects_complete(&self) -> bool {
        let mut lists = self.lists.iter().enumerate();
        lists.all(|(watch, list)| {
            !matches!(list.kind, ObjectKind::Managed(_)) || list.complete || self.denied.has(watch)
        })
    }

    /// Returns true if every permitted initial list is complete.
    pub(super) fn complete(&self) -> bool {
        let mut lists = self.lists.iter().enumerate();
        lists.all(|(watch, list)| list.complete || self.denied.has(watch))
    }

    /// Applies a change of a watch to the objects. Objects that a complete new list lacks are removed.
    pub(super) fn take(&mut self, change: WatchChange) {
        let WatchChange { watch, what } = change;
        match what {
            WatchEvent::Begin => self.lists[watch].incoming = Some(HashSet::new()),
            WatchEvent::There(reference, item) => {
                let list = &mut self.lists[watch];
                if let Some(incoming) = &mut list.incoming {
                    incoming.insert(reference.clone());
                }
                list.known.insert(reference.clone());
                self.put(reference, item);
            }
            WatchEvent::Gone(reference) => {
                self.lists[watch].known.remove(&reference);
                self.remove(watch, &reference);
            }
            WatchEvent::Complete => {
                self.denied.remove(watch);
                let list = &mut self.lists[watch];
                list.complete = true;
                let incoming = list.incoming.take().unwrap_or_default();
                let gone: Vec<ObjectRef> = list.known.difference(&incoming).cloned().collect();
                list.known = incoming;
                for reference in gone {
                    self.remove(watch, &reference);
                }
            }
            WatchEvent::Failed(_) => {}
            // Objects already received are kept, as during an outage of the API server.
            WatchEvent::Denied(_) if self.lists[watch].complete => {}
            WatchEvent::Denied(denial) => self.denied.record(watch, denial),
        }
    }

    fn put(&mut self, reference: ObjectRef, item: WatchEntry) {
        let key = reference.key.clone();
        let objects = Arc::make_mut(&mut self.objects);
        let was_malformed = objects.malformed.remove(&reference).is_some();
        let matters = match item {
            WatchEntry::Object(new) => {
                let before = objects.managed.insert(key.clone(), new.clone());
                if before.as_ref().is_none_or(|before| before.secrets() != new.secrets()) {
                    self.released.insert(Arc::clone(&key.namespace));
                }
                before.is_none_or(|before| !before.same_inputs(&new))
            }
            WatchEntry::Malformed(malformed) => {
                // The served configuration depends only on current objects, so that all replicas
                // agree. A malformed object is not served, even if it was valid before.
                forget(objects, &reference);
                self.released.insert(Arc::clone(&key.namespace));
                let same = |old: &crate::api::MalformedObject| {
                    old.message == malformed.message && old.generation == malformed.generation
                };
                let changed = !objects.malformed.get(&reference).is_some_and(same);
                objects.malformed.insert(reference, malformed);
                changed
            }
            WatchEntry::ManagedSecret(secret) => {
                self.others.remove(&key);
                self.fetched.remove(&key);
                self.retain(key, &secret)
            }
            WatchEntry::OtherSecret(version) => {
                if objects.secrets.contains_key(&key) && !self.fetched.contains_key(&key) {
                    // It belonged to an object until now.
                    self.released.insert(Arc::clone(&key.namespace));
                }
                self.others.insert(key, version);
                false
            }
            WatchEntry::Namespace(labels) => match &mut objects.namespaces {
                NamespaceLabels::Known(known) => {
                    known.insert(key.name.to_string(), labels.clone()) != Some(labels)
                }
                NamespaceLabels::Unavailable => false,
            },
        };
        if matters || was_malformed {
            self.revision += 1;
        }
    }

    fn remove(&mut self, watch: usize, reference: &ObjectRef) {
        // A Secret whose label was added or removed leaves one watch and appears in another.
        let elsewhere = self.lists.iter().enumerate();
        if elsewhere
            .filter(|(other, _)| *other != watch)
            .any(|(_, list)| list.known.contains(reference))
        {
            return;
        }
        let objects = Arc::make_mut(&mut self.objects);
        if reference.kind == ObjectKind::Secret {
            self.others.remove(&reference.key);
            self.fetched.remove(&reference.key);
            drop_spare(&mut self.spares, &reference.key);
        } else {
            self.released.insert(Arc::clone(&reference.key.namespace));
        }
        forget(objects, reference);
        objects.malformed.remove(reference);
        self.revision += 1;
    }

    /// The namespaces in which a list is forbidden, each with the API server's message.
    pub(super) fn forbidden_namespaces(&self) -> BTreeMap<String, String> {
        self.denied.namespaces()
    }

    /// Marks Secrets that may not be listed as unreadable.
    pub(super) fn settle(&mut self) {
        if self.denied.is_relevant()
            && self.denied.substitute_empty_lists(Arc::make_mut(&mut self.objects))
        {
            self.revision += 1;
        }
    }

    /// Schedules unreadable Secrets for another fetch, in case a Role was added. Returns true if
    /// there are any.
    pub(super) fn ask_again(&mut self) -> bool {
        let secrets = &self.objects.secrets;
        let refused = |key| matches!(secrets.get(key), Some(SecretState::Unreadable(_)));
        let mut any = false;
        for (_, version) in self.fetched.iter_mut().filter(|(key, _)| refused(*key)) {
            version.clear();
            any = true;
        }
        any
    }

    /// Secrets that objects refer to and that were not fetched at their current resourceVersion.
    pub(super) fn missing(&mut self) -> Vec<(ObjectKey, String)> {
        self.release();
        let wanted = self.wanted();
        let stale = |key: &ObjectKey| {
            let version = self.others.get(key)?;
            (self.fetched.get(key) != Some(version)).then(|| (key.clone(), version.clone()))
        };
        wanted.iter().filter_map(stale).collect()
    }

    fn wanted(&self) -> BTreeSet<ObjectKey> {
        let secrets = self.objects.managed.secrets();
        secrets.filter(|key| self.others.contains_key(key)).cloned().collect()
    }

    /// Stores a fetched Secret; `None` if it was deleted.
    pub(super) fn fetched(&mut self, key: ObjectKey, version: String, found: Option<SecretState>) {
        self.fetched.insert(key.clone(), version);
        let objects = Arc::make_mut(&mut self.objects);
        let matters = match found {
            Some(SecretState::Loaded(secret)) => put_secret(objects, key, secret),
            Some(unreadable) => {
                objects.secrets.insert(key, unreadable);
                true
            }
            None => objects.secrets.remove(&key).is_some(),
        };
        if matters {
            self.revision += 1;
        }
    }
}

/// Stores a Secret. Returns true if its content changed.
fn put_secret(objects: &mut ObjectSet, key: ObjectKey, secret: CachedSecret) -> bool {
    let matters = match objects.secrets.get(&key) {
        Some(SecretState::Loaded(old)) => !old.same_content(&secret),
        Some(SecretState::Unreadable(_)) | None => true,
    };
    objects.secrets.insert(key, SecretState::Loaded(secret));
    matters
}

fn forget(objects: &mut ObjectSet, reference: &ObjectRef) {
    let key = &reference.key;
    match reference.kind {
        ObjectKind::Managed(kind) => drop(objects.managed.remove(kind, key)),
        ObjectKind::Secret => drop(objects.secrets.remove(key)),
        ObjectKind::Namespace => {
            if let NamespaceLabels::Known(known) = &mut objects.namespaces {
                known.remove(&*key.name);
            }
        }
        ObjectKind::ConfigMap => {}
    }
}

#[cfg(test)]
mod tests;
