//! Limits the assertions that the store has to remember for a client, in bounded memory.
//!
//! An accepted assertion is remembered until it expires, so that it is used once (RFC 7523 §3, 7). The cost
//! of an assertion is its remaining lifetime. A client gets back one second of lifetime for each of its
//! records in each second, so about `live` records of a client are unexpired at any time.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::model::{BoundedCache, ObjectKey, TenantId, Timestamp};

/// Maximum number of clients with a budget.
const MAX_ENTRIES: usize = 50_000;
/// Live records of a declared client: 1,600 assertions of a minute each second.
const DECLARED: u64 = 100_000;
/// Live records of a client that registered itself: 16 assertions of a minute each second.
const REGISTERED: u64 = 1_000;
/// The lifetime that all live records together may have after a pause.
const BURST: u64 = 60;

/// The spent lifetime of a client's assertions.
#[derive(Clone, Copy, Debug)]
struct Spent {
    /// In seconds, without the lifetime that was given back until `at`.
    seconds: u64,
    at: Timestamp,
}

/// The budgets of all clients. Each replica counts separately.
pub struct AssertionBudget {
    /// A keyed hash, so attackers cannot find names that collide.
    hasher: RandomState,
    clients: Mutex<BoundedCache<u64, Spent>>,
}

impl Default for AssertionBudget {
    fn default() -> Self {
        Self { hasher: RandomState::new(), clients: Mutex::new(BoundedCache::new(MAX_ENTRIES)) }
    }
}

impl fmt::Debug for AssertionBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssertionBudget").finish_non_exhaustive()
    }
}

impl AssertionBudget {
    /// Takes the remaining lifetime of an assertion from the budget of its client, or returns the time until
    /// the budget has it. `registered`: whether the client registered itself.
    pub fn take(
        &self,
        (tenant, client, registered): (&TenantId, &ObjectKey, bool),
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let live = if registered { REGISTERED } else { DECLARED };
        let key = self.hasher.hash_one((tenant, client));
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let before = clients.peek(&key).map_or(0, |spent| {
            let given_back = now.since(spent.at).as_secs().saturating_mul(live);
            spent.seconds.saturating_sub(given_back)
        });
        let seconds = before.saturating_add(lifetime.as_secs());
        let over = seconds.saturating_sub(live * BURST);
        if over > 0 {
            return Err(Duration::from_secs(over.div_ceil(live)));
        }
        clients.put(key, Spent { seconds, at: now });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);
    const MINUTE: Duration = Duration::from_mins(1);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(1_900_000_000 + seconds)
    }

    /// Sends an assertion each second; returns how many were accepted.
    fn accepted(
        budget: &AssertionBudget,
        registered: bool,
        lifetime: Duration,
        each: usize,
    ) -> usize {
        let (tenant, client) = (TenantId::new("acme", "main"), ObjectKey::new("acme", "app"));
        let of_client = (&tenant, &client, registered);
        let sent = (0..3600).flat_map(|second| (0..each).map(move |_| at(second)));
        sent.filter(|now| budget.take(of_client, lifetime, *now).is_ok()).count()
    }

    #[test]
    fn assertions_of_an_hour_are_bounded_by_the_live_records() {
        let registered = accepted(&AssertionBudget::default(), true, HOUR, 5);
        assert!((1000..=1020).contains(&registered), "{registered}");
        let declared = accepted(&AssertionBudget::default(), false, HOUR, 5);
        assert_eq!(declared, 5 * 3600, "far below its bound");
    }

    #[test]
    fn a_steady_client_is_never_refused() {
        assert_eq!(accepted(&AssertionBudget::default(), true, MINUTE, 16), 16 * 3600);
    }

    #[test]
    fn the_wait_is_long_enough_and_other_clients_do_not_wait() {
        let budget = AssertionBudget::default();
        let tenant = TenantId::new("acme", "main");
        let take = |name: &str, now| {
            budget.take((&tenant, &ObjectKey::new("acme", name), true), HOUR, now)
        };
        while take("app", at(0)).is_ok() {}
        let wait = take("app", at(0)).expect_err("refused");
        assert!(wait >= Duration::from_secs(1), "{wait:?}");
        let wait = i64::try_from(wait.as_secs()).expect("seconds");
        assert!(take("app", at(wait - 1)).is_err());
        assert_eq!(take("app", at(wait)), Ok(()));
        assert_eq!(take("other", at(0)), Ok(()));
    }
}
