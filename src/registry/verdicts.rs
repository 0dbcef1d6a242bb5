//! The verdicts of a snapshot: in the order of their objects, whose names they carry themselves.

use std::{collections::BTreeMap, sync::Arc};

use super::Verdict;
use crate::model::ObjectRef;

/// One verdict on each object.
#[derive(Clone, Debug, Default)]
pub struct Verdicts(Box<[Arc<Verdict>]>);

impl Verdicts {
    /// Verdicts on objects of which each is there once.
    pub fn new(mut verdicts: Vec<Arc<Verdict>>) -> Self {
        verdicts.sort_unstable_by(|one, other| one.object.cmp(&other.object));
        Self(verdicts.into())
    }

    /// The verdict on an object.
    pub fn get(&self, object: &ObjectRef) -> Option<&Arc<Verdict>> {
        let found = self.0.binary_search_by(|verdict| verdict.object.cmp(object));
        found.ok().map(|at| &self.0[at])
    }

    /// All of them, in the order of their objects.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Verdict>> {
        self.0.iter()
    }
}

/// Takes those out that are on objects of a map.
pub(super) fn take_those_on<V>(
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
        model::{ObjectKey, ObjectKind},
        registry::ObjectOutcome,
    };

    fn on(name: &str) -> Arc<Verdict> {
        let object = ObjectRef { kind: ObjectKind::OidcClient, key: ObjectKey::new("team", name) };
        let (problems, outcome) = (Vec::new(), ObjectOutcome::Malformed);
        Arc::new(Verdict { object, generation: None, problems, outcome })
    }

    #[test]
    fn each_is_found_by_its_object() {
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
    fn those_on_some_objects_are_taken_out() {
        let mut all = ["a", "b", "c"].map(on).to_vec();
        let taken = take_those_on(&mut all, &[(on("b").object.clone(), ())].into());
        assert!(taken.keys().eq([&on("b").object]));
        assert_eq!(all.len(), 2);
    }
}
