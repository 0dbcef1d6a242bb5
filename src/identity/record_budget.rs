//! Limits the records that the store has to keep for a client or person until they expire, in bounded memory.
//!
//! An accepted assertion, for example, is remembered so that it is used once (RFC 7523 §3, 7). The cost of a record
//! is its remaining lifetime, for each KiB that it begins. In each second its maker gets back one second for each
//! of its `live` records. About `live` records of a maker are therefore unexpired at any time, or fewer if they are
//! longer.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::model::{BoundedCache, ObjectKey, TenantId, Timestamp};

/// The size up to which a record counts once, in bytes.
const UNIT: usize = 1024;
/// Maximum number of clients and people with a budget.
const MAX_ENTRIES: usize = 50_000;
/// Live records of a declared client: 800 assertions of a minute each second, which are stored for another minute.
const MAX_RECORDS_OF_DECLARED_CLIENT: u64 = 100_000;
/// Live records of a client that no administrator declared: 8 assertions of a minute each second.
const MAX_RECORDS_OF_UNVERIFIED_CLIENT: u64 = 1_000;
/// Live records of all clients of a tenant that metadata documents describe.
const MAX_RECORDS_OF_DOCUMENT_CLIENTS: u64 = 20_000;
/// Live records of a person: 27 DPoP proofs each second.
const MAX_RECORDS_OF_PERSON: u64 = 5_000;
/// KiB of new people of an identity provider in an hour, each of which counts for that hour.
const MAX_KIB_OF_NEW_PEOPLE: u64 = 16 * 1024;
/// The lifetime for each live record that a maker may spend at once after a pause, on records of minutes.
const BURST: Duration = Duration::from_mins(1);
/// Like [`BURST`], for revoked tokens, which can live for a day. A client may revoke many at once, when its work ends.
const BURST_OF_REVOKED_TOKENS: Duration = Duration::from_hours(1);
/// Like [`BURST`], for new people: 256 MiB, the first morning of a company of 100,000.
const BURST_OF_NEW_PEOPLE: Duration = Duration::from_hours(16);

/// The client or person that makes a record necessary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordMaker<'a> {
    /// A client that an administrator declared.
    Declared(&'a ObjectKey),
    /// A client that registered itself, by its id, or the host of the metadata documents that describe clients.
    Unverified(&'a str),
    /// All metadata documents of a tenant together: anyone can have any number of hosts.
    Documents,
    /// A person, by the subject.
    Person(&'a str),
    /// All new people of an identity provider, by its name.
    NewPeople(&'a str),
}

impl RecordMaker<'_> {
    /// The number of records of one unit that may be unexpired at any time.
    const fn live(self) -> u64 {
        match self {
            Self::Declared(_) => MAX_RECORDS_OF_DECLARED_CLIENT,
            Self::Unverified(_) => MAX_RECORDS_OF_UNVERIFIED_CLIENT,
            Self::Documents => MAX_RECORDS_OF_DOCUMENT_CLIENTS,
            Self::Person(_) => MAX_RECORDS_OF_PERSON,
            Self::NewPeople(_) => MAX_KIB_OF_NEW_PEOPLE,
        }
    }
}

/// How often a record with this many bytes counts.
pub fn record_units(len: usize) -> u64 {
    u64::try_from(len.div_ceil(UNIT)).unwrap_or(u64::MAX).max(1)
}

/// The spent lifetime of a maker's records.
#[derive(Clone, Copy, Debug)]
struct UsedBudget {
    /// In seconds, without the lifetime that was given back until `at`.
    seconds: u64,
    at: Timestamp,
}

/// The budgets of all clients and people for one kind of record. Each replica counts separately.
pub struct RecordBudget {
    /// A keyed hash, so attackers cannot find names that collide.
    hasher: RandomState,
    /// In seconds, for each record that may be live.
    burst: u64,
    makers: Mutex<BoundedCache<u64, UsedBudget>>,
}

impl Default for RecordBudget {
    fn default() -> Self {
        Self::with_burst(BURST)
    }
}

impl fmt::Debug for RecordBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordBudget").finish_non_exhaustive()
    }
}

impl RecordBudget {
    /// Budgets for the tokens that clients revoke.
    pub fn of_revoked_tokens() -> Self {
        Self::with_burst(BURST_OF_REVOKED_TOKENS)
    }

    /// Budgets for the new people of identity providers.
    pub fn of_new_people() -> Self {
        Self::with_burst(BURST_OF_NEW_PEOPLE)
    }

    /// `burst`: the lifetime that is available after a pause, for each record that may be live.
    fn with_burst(burst: Duration) -> Self {
        let makers = Mutex::new(BoundedCache::new(MAX_ENTRIES));
        Self { hasher: RandomState::new(), burst: burst.as_secs(), makers }
    }

    /// Takes the remaining lifetime of a short record from the budget of its maker, or returns the time until
    /// the budget has it.
    pub fn take(
        &self,
        of: (&TenantId, RecordMaker<'_>),
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<(), Duration> {
        self.take_units(of, (lifetime, 1), now)
    }

    /// Takes the remaining lifetime of a record as often as it counts ([`record_units`]).
    pub fn take_units(
        &self,
        (tenant, maker): (&TenantId, RecordMaker<'_>),
        (lifetime, units): (Duration, u64),
        now: Timestamp,
    ) -> Result<(), Duration> {
        let live = maker.live();
        let key = self.hasher.hash_one((tenant, maker));
        let mut makers = self.makers.lock().unwrap_or_else(PoisonError::into_inner);
        let before = makers.peek(&key).map_or(0, |spent| {
            let given_back = now.since(spent.at).as_secs().saturating_mul(live);
            spent.seconds.saturating_sub(given_back)
        });
        let seconds = before.saturating_add(lifetime.as_secs().saturating_mul(units));
        let over = seconds.saturating_sub(live * self.burst);
        if over > 0 {
            return Err(Duration::from_secs(over.div_ceil(live)));
        }
        makers.put(key, UsedBudget { seconds, at: now });
        Ok(())
    }

    /// Gives back what [`take_units`](Self::take_units) took for a record that was not stored.
    pub fn give_back(
        &self,
        (tenant, maker): (&TenantId, RecordMaker<'_>),
        (lifetime, units): (Duration, u64),
    ) {
        let key = self.hasher.hash_one((tenant, maker));
        let mut makers = self.makers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(used) = makers.peek(&key).copied() {
            let seconds = used.seconds.saturating_sub(lifetime.as_secs().saturating_mul(units));
            makers.put(key, UsedBudget { seconds, ..used });
        }
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
    fn accepted(budget: &RecordBudget, registered: bool, lifetime: Duration, each: usize) -> usize {
        let (tenant, client) = (TenantId::new("acme", "main"), ObjectKey::new("acme", "app"));
        let maker = if registered {
            RecordMaker::Unverified("app")
        } else {
            RecordMaker::Declared(&client)
        };
        let of_client = (&tenant, maker);
        let sent = (0..3600).flat_map(|second| (0..each).map(move |_| at(second)));
        sent.filter(|now| budget.take(of_client, lifetime, *now).is_ok()).count()
    }

    #[test]
    fn assertions_of_an_hour_are_bounded_by_the_live_records() {
        let registered = accepted(&RecordBudget::default(), true, HOUR, 5);
        assert!((1000..=1020).contains(&registered), "{registered}");
        let declared = accepted(&RecordBudget::default(), false, HOUR, 5);
        assert_eq!(declared, 5 * 3600, "far below its bound");
    }

    #[test]
    fn a_person_has_a_budget_of_their_own() {
        let (budget, tenant) = (RecordBudget::default(), TenantId::new("acme", "main"));
        let take = |name, now| budget.take((&tenant, RecordMaker::Person(name)), MINUTE, now);
        let taken = (0..10_000).take_while(|_| take("alice", at(0)).is_ok()).count();
        assert_eq!(taken, 5_000);
        assert_eq!(take("alice", at(0)), Err(Duration::from_secs(1)));
        assert_eq!(take("bob", at(0)), Ok(()));
        assert_eq!(take("alice", at(1)), Ok(()));
    }

    #[test]
    fn a_long_record_counts_for_each_kib() {
        assert_eq!([0, 1, 1024, 1025, 64 * 1024].map(record_units), [1, 1, 1, 2, 64]);
        let (budget, tenant) = (RecordBudget::default(), TenantId::new("acme", "main"));
        let client = ObjectKey::new("acme", "app");
        let of_client = (&tenant, RecordMaker::Declared(&client));
        let take = |len| budget.take_units(of_client, (MINUTE, record_units(len)), at(0));
        let taken = (0..100_000).take_while(|_| take(64 * 1024).is_ok()).count();
        assert_eq!(taken, 100_000 / 64, "about 100 MB");
        assert_eq!(take(100), Ok(()), "32 units are left");
    }

    #[test]
    fn a_budget_refills_its_burst_during_a_pause() {
        let (budget, tenant) = (RecordBudget::of_revoked_tokens(), TenantId::new("acme", "main"));
        let take = |now| budget.take((&tenant, RecordMaker::Unverified("app")), HOUR, now);
        assert_eq!((0..2_000).take_while(|_| take(at(0)).is_ok()).count(), 1_000);
        assert!(take(at(3)).is_err(), "3,000 of 3,600 seconds were given back");
        assert_eq!(take(at(4)), Ok(()));
    }

    #[test]
    fn a_record_that_was_not_stored_costs_nothing() {
        let (budget, tenant) = (RecordBudget::default(), TenantId::new("acme", "main"));
        let of_alice = (&tenant, RecordMaker::Person("alice"));
        let cost = (MINUTE, 2);
        for _ in 0..10_000 {
            assert_eq!(budget.take_units(of_alice, cost, at(0)), Ok(()));
            budget.give_back(of_alice, cost);
        }
        let taken = (0..10_000).take_while(|_| budget.take_units(of_alice, cost, at(0)).is_ok());
        assert_eq!(taken.count(), 2_500);
        budget.give_back((&tenant, RecordMaker::Person("bob")), cost);
    }

    #[test]
    fn new_people_of_a_provider_are_limited_after_a_first_burst() {
        let budget = RecordBudget::of_new_people();
        let tenant = TenantId::new("acme", "main");
        let take = |provider, now| {
            budget.take_units((&tenant, RecordMaker::NewPeople(provider)), (HOUR, 2), now)
        };
        let all = |now| (0..200_000).take_while(|_| take("open", now).is_ok()).count();
        assert_eq!(all(at(0)), 131_072, "people of two KiB");
        assert_eq!(take("corp", at(0)), Ok(()));
        assert_eq!(all(at(3600)), 8_192);
    }

    #[test]
    fn a_steady_client_is_never_refused() {
        assert_eq!(accepted(&RecordBudget::default(), true, MINUTE, 16), 16 * 3600);
    }

    #[test]
    fn the_wait_is_long_enough_and_other_clients_do_not_wait() {
        let budget = RecordBudget::default();
        let tenant = TenantId::new("acme", "main");
        let take =
            |name: &str, now| budget.take((&tenant, RecordMaker::Unverified(name)), HOUR, now);
        while take("app", at(0)).is_ok() {}
        let wait = take("app", at(0)).expect_err("refused");
        assert!(wait >= Duration::from_secs(1), "{wait:?}");
        let wait = i64::try_from(wait.as_secs()).expect("seconds");
        assert!(take("app", at(wait - 1)).is_err());
        assert_eq!(take("app", at(wait)), Ok(()));
        assert_eq!(take("other", at(0)), Ok(()));
    }
}
