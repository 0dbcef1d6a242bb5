//! Watched namespaces in which a list is forbidden. They do not delay the first view, and Secrets
//! that objects refer to there are treated as unreadable, not as missing. No I/O.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    api::{ObjectSet, SecretState},
    model::{ObjectKey, ObjectKind},
};

/// A watch that the API server forbids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ForbiddenWatch {
    pub(super) namespace: String,
    pub(super) kind: ObjectKind,
    /// The message of the API server's response, which names the missing permission.
    pub(super) message: String,
}

/// All forbidden watches, by their index.
#[derive(Debug, Default)]
pub(super) struct ForbiddenWatches {
    watches: BTreeMap<usize, ForbiddenWatch>,
    /// Secrets marked as unreadable because their existence cannot be checked.
    stand_ins: BTreeSet<ObjectKey>,
}

impl ForbiddenWatches {
    /// Records that a watch is forbidden.
    pub(super) fn record(&mut self, watch: usize, denial: ForbiddenWatch) {
        self.watches.insert(watch, denial);
    }

    /// Records that a watch has received its list.
    pub(super) fn remove(&mut self, watch: usize) {
        self.watches.remove(&watch);
    }

    /// Returns true if a watch is forbidden.
    pub(super) fn has(&self, watch: usize) -> bool {
        self.watches.contains_key(&watch)
    }

    /// The namespaces of forbidden watches, each with the API server's message.
    pub(super) fn namespaces(&self) -> BTreeMap<String, String> {
        let watches = self.watches.values();
        watches.map(|denial| (denial.namespace.clone(), denial.message.clone())).collect()
    }

    /// Returns true if `stand_in` has anything to do.
    pub(super) fn is_relevant(&self) -> bool {
        !(self.stand_ins.is_empty() && self.watches.is_empty())
    }

    /// Adds unreadable Secrets where an object refers to one that may not be listed, and removes
    /// those that are no longer needed. Returns true if anything changed.
    pub(super) fn substitute_empty_lists(&mut self, objects: &mut ObjectSet) -> bool {
        let mut wanted = BTreeMap::new();
        for denial in self.watches.values().filter(|denial| denial.kind == ObjectKind::Secret) {
            for key in referred(objects, &denial.namespace) {
                if self.stand_ins.contains(&key) || !objects.secrets.contains_key(&key) {
                    wanted.insert(key, SecretState::Unreadable(denial.message.as_str().into()));
                }
            }
        }
        let mut changed = false;
        for key in self.stand_ins.iter().filter(|key| !wanted.contains_key(key)) {
            // A Secret that a watch has delivered in the meantime stays.
            if matches!(objects.secrets.get(key), Some(SecretState::Unreadable(_))) {
                objects.secrets.remove(key);
                changed = true;
            }
        }
        self.stand_ins = wanted.keys().cloned().collect();
        for (key, state) in wanted {
            if !matches!(objects.secrets.get(&key), Some(SecretState::Loaded(_))) {
                changed |= objects.secrets.insert(key, state).is_none();
            }
        }
        changed
    }
}

/// Secrets that objects of a namespace refer to, or that Lanyard creates for them.
fn referred(objects: &ObjectSet, namespace: &str) -> Vec<ObjectKey> {
    objects.managed.secrets().filter(|key| *key.namespace == *namespace).cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use k8s_openapi::api::core::v1::Secret;

    use super::*;
    use crate::{
        api::{AnyCachedObject, CachedSecret},
        source::manifests::{ManifestObject, parse_text},
    };

    const USER: &str = "apiVersion: lanyard.dev/v1alpha1\nkind: OidcUser\nmetadata: {name: ada, namespace: closed}\nspec: {tenantRef: {name: main}, username: ada, passwordSecretRef: {name: ada}}\n";

    fn objects() -> ObjectSet {
        let mut objects = ObjectSet::default();
        for object in parse_text(Path::new("test.yaml"), USER).0 {
            let key = object.reference().key;
            let ManifestObject::Managed(user) = object else { panic!("a user") };
            let user = AnyCachedObject::new(&key, user);
            objects.managed.insert(key, user);
        }
        objects
    }

    fn denied() -> ForbiddenWatches {
        let mut denied = ForbiddenWatches::default();
        let message = "secrets is forbidden".to_owned();
        denied.record(
            3,
            ForbiddenWatch { namespace: "closed".to_owned(), kind: ObjectKind::Secret, message },
        );
        denied
    }

    #[test]
    fn a_secret_that_may_not_be_listed_is_unreadable_not_missing() {
        let (mut denied, mut objects) = (denied(), objects());
        assert!(denied.substitute_empty_lists(&mut objects));
        let key = ObjectKey::new("closed", "ada");
        let state = objects.secrets.get(&key);
        assert!(matches!(state, Some(SecretState::Unreadable(why)) if why.contains("forbidden")));
        assert!(!denied.substitute_empty_lists(&mut objects), "the second time changes nothing");
        denied.remove(3);
        assert!(denied.substitute_empty_lists(&mut objects) && objects.secrets.is_empty());
        assert!(!denied.is_relevant());
    }

    #[test]
    fn a_known_secret_is_not_replaced() {
        let (mut denied, mut objects) = (denied(), objects());
        let key = ObjectKey::new("closed", "ada");
        let seen = SecretState::Loaded(CachedSecret::new(Secret::default()));
        denied.substitute_empty_lists(&mut objects);
        objects.secrets.insert(key.clone(), seen);
        denied.substitute_empty_lists(&mut objects);
        denied.remove(3);
        denied.substitute_empty_lists(&mut objects);
        assert!(matches!(objects.secrets.get(&key), Some(SecretState::Loaded(_))));
    }
}
