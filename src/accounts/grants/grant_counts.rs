//! How often the grants of a person are counted.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::{BoundedCache, Subject, TenantId};

/// Number of new grants for each count of a person's grants. Most people have few.
const MIN_INTERVAL: usize = 8;
/// Average number of records that one new grant may cause to be read. The more grants a person holds, the less often
/// they are counted. Until the next count a person can have some more than the maximum.
const READ_FOR_NEW: usize = 2;
/// Maximum number of people whose last count is remembered.
const MAX_COUNTS: usize = 4096;

/// The grants that people held when they were last counted, of those with many.
#[derive(Debug)]
pub struct GrantCounts(Mutex<BoundedCache<(TenantId, Subject), usize>>);

impl Default for GrantCounts {
    fn default() -> Self {
        Self(Mutex::new(BoundedCache::new(MAX_COUNTS)))
    }
}

impl GrantCounts {
    /// Returns true if the grants of a user have to be counted when a new grant is made. `draw`: a random number.
    pub(super) fn is_due(&self, person: &(TenantId, Subject), draw: u32) -> bool {
        let last = self.locked().peek(person).copied().unwrap_or_default();
        let interval = (last / READ_FOR_NEW).max(MIN_INTERVAL);
        u32::try_from(interval).is_ok_and(|interval| draw.is_multiple_of(interval))
    }

    /// Remembers how many grants a user has, unless the number is so small that every new grant counts them again.
    pub(in crate::accounts) fn put(&self, person: (TenantId, Subject), count: usize) {
        if count > READ_FOR_NEW * MIN_INTERVAL {
            self.locked().put(person, count);
        } else {
            self.locked().remove(&person);
        }
    }

    fn locked(&self) -> MutexGuard<'_, BoundedCache<(TenantId, Subject), usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_grants_there_are_the_more_rarely_they_are_counted() {
        let counts = GrantCounts::default();
        let person = (TenantId(crate::model::ObjectKey::new("a", "b")), Subject::new("c"));
        let due =
            |counts: &GrantCounts| (0..10_000).filter(|draw| counts.is_due(&person, *draw)).count();
        assert_eq!(due(&counts), 10_000 / 8);
        counts.put(person.clone(), 15);
        assert_eq!(due(&counts), 10_000 / 8);
        counts.put(person.clone(), 2_000);
        assert_eq!(due(&counts), 10);
        counts.put(person.clone(), 3);
        assert_eq!(due(&counts), 10_000 / 8);
    }
}
