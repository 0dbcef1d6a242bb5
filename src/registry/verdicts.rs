//! The verdicts of a snapshot, sorted by object.

use std::{collections::BTreeMap, sync::Arc};

use super::Verdict;
use crate::model::ObjectRef;

/// The verdicts on all objects, sorted by object.
#[derive(Clone, Debug, Default)]
pub struct Verdicts(Box<[Arc<Verdict>]>);

impl Verdicts {
    /// Collects verdicts. Each object must occur only once.
    pub fn new(mut verdicts: Vec<Arc<Verdict>>) -> Self {
        verdicts.sort_unstable_by(|one, other| one.object.cmp(&other.object));
        Self(verdicts.into())
    }

    /// Finds the verdict on an object.
    pub fn get(&self, object: &ObjectRef) -> Option<&Arc<Verdict>> {
        let found = self.0.binary_search_by(|verdict| verdict.object.cmp(object));
        found.ok().map(|at| &self.0[at])
    }

    /// All verdicts, sorted by object.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Verdict>> {
        self.0.iter()
    }
}

/// Removes and returns the verdicts on the objects in a map.
pub(super) fn extract_verdicts_on<V>(
    verdicts: &mut Vec<Arc<Verdict>>,
    objects: &BTreeMap<ObjectRef, V>,
) -> BTreeMap<ObjectRef, Arc<Verdict>> {
    if objects.is_empty() {
        return BTreeMap::new();
    }
    let taken = verdicts.extract_if(.., |verdict| objects.contains_key(&verdict.object));
    taken.map(|verdict| (verdict.object.clone(), verdict)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{ManagedKind, ObjectKey},
        registry::ObjectOutcome,
    };

    fn on(name: &str) -> Arc<Verdict> {
        let object = ObjectRef::new(ManagedKind::OidcClient, ObjectKey::new("team", name));
        let (problems, warnings) = (Vec::new(), Vec::new());
        let outcome = ObjectOutcome::Malformed;
        Arc::new(Verdict { object, generation: None, problems, warnings, outcome })
    }

    #[test]
    fn get_finds_the_verdict_on_an_object() {
        let all = ["c", "a", "b"].map(on);
        let verdicts = Verdicts::new(all.to_vec());
        for verdict in &all {
            let found = verdicts.get(&verdict.object).expect("it is there");
            assert!(Arc::ptr_eq(found, verdict));
        }
        assert!(verdicts.get(&on("d").object).is_none());
        let names: Vec<_> = verdicts.iter().map(|verdict| &*verdict.object.key.name).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn take_removes_the_verdicts_on_the_given_objects() {
        let mut all = ["a", "b", "c"].map(on).to_vec();
        let taken = extract_verdicts_on(&mut all, &[(on("b").object.clone(), ())].into());
        assert!(taken.keys().eq([&on("b").object]));
        assert_eq!(all.len(), 2);
    }
}
