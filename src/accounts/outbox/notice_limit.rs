//! Limits the notices of changes that a person gets by mail.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::model::{BoundedCache, Subject, TenantId, Timestamp};

/// Most notices to a person within [`PERIOD`] from this replica. A change can be repeated any number of times.
const MAX_NOTICES: u32 = 20;
const PERIOD: Duration = Duration::from_hours(1);
/// People whose notices are counted.
const MAX_PEOPLE: usize = 50_000;

/// The notices of people within the last hour.
#[derive(Debug)]
pub(in crate::accounts) struct NoticeLimit(Mutex<BoundedCache<(TenantId, Subject), SentNotices>>);

#[derive(Clone, Copy, Debug)]
struct SentNotices {
    since: Timestamp,
    count: u32,
}

impl Default for NoticeLimit {
    fn default() -> Self {
        Self(Mutex::new(BoundedCache::new(MAX_PEOPLE)))
    }
}

impl NoticeLimit {
    /// Counts a notice; returns false if the person has had too many.
    pub(in crate::accounts) fn take(
        &self,
        tenant: &TenantId,
        person: &Subject,
        now: Timestamp,
    ) -> bool {
        let key = (tenant.clone(), person.clone());
        let mut people = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = people.peek(&key).copied().filter(|sent| now < sent.since.plus(PERIOD));
        let sent = sent.unwrap_or(SentNotices { since: now, count: 0 });
        let may = sent.count < MAX_NOTICES;
        if may {
            people.put(key, SentNotices { count: sent.count + 1, ..sent });
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_to_a_person_are_bounded() {
        let (limit, tenant) = (NoticeLimit::default(), TenantId::new("acme", "main"));
        let now = |secs: i64| Timestamp::from_secs(1_900_000_000 + secs);
        let (ada, bob) = (Subject::new("ada"), Subject::new("bob"));
        let told = (0..100).filter(|second| limit.take(&tenant, &ada, now(*second))).count();
        assert_eq!(told, 20);
        assert!(limit.take(&tenant, &bob, now(100)));
        assert!(!limit.take(&tenant, &ada, now(3599)) && limit.take(&tenant, &ada, now(3600)));
    }
}
