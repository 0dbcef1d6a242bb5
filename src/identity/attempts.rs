//! The limit on password attempts, per account and per address, in bounded memory.
//!
//! Three counters, each within a tenant. An attempt counts as failed from the moment it is let in,
//! so that many at once are no way around the limit; success takes that back.
//!
//! - **Account and address** together: strict. Guessing from one place soon costs minutes a guess.
//! - **Account**, from anywhere: lenient, short delays. It slows guessing from many places, and a
//!   person meanwhile needs patience, but is never locked out.
//! - **Address**, for any account: lenient too, since many people may share one. It slows trying
//!   one password on many accounts.
//!
//! Where a person has signed in before (account and address), only the strict counter applies:
//! nobody elsewhere, and no neighbour behind the same address, can keep that person out.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use crate::model::{TenantId, Timestamp};

use super::counters::{Count, Policy, Recent};

const HOUR: Duration = Duration::from_hours(1);

/// After 5 failures 4 s, 8 s, … 5 min: at most 300 guesses a day.
const PAIR: Policy =
    Policy { free: 5, first: Duration::from_secs(4), most: Duration::from_mins(5), forget: HOUR };
/// After 50 failures 1 s, 2 s, … 30 s.
const ACCOUNT: Policy =
    Policy { free: 50, first: Duration::from_secs(1), most: Duration::from_secs(30), forget: HOUR };
/// After 100 failures 1 s, 2 s, … 5 s.
const ADDRESS: Policy =
    Policy { free: 100, first: Duration::from_secs(1), most: Duration::from_secs(5), forget: HOUR };
/// How long a place is known after the last sign-in there.
const KNOWN_FOR: Duration = Duration::from_hours(30 * 24);

/// Counts failed attempts. Each replica counts for itself.
pub struct AttemptLimiter {
    /// Keyed hashing: nobody outside can find names that fall together.
    hasher: RandomState,
    tables: Mutex<Tables>,
}

struct Tables {
    counts: Recent<Count>,
    /// When a person last signed in at a place.
    known: Recent<Timestamp>,
}

/// What an attempt is counted under.
struct Keys {
    pair: u64,
    account: u64,
    address: u64,
}

impl AttemptLimiter {
    /// Counters for some 65,000 attempts by different people and places, in at most 12 MB.
    pub const DEFAULT_CAPACITY: usize = 200_000;

    /// A limiter that remembers at most `capacity` counters, the most recent ones.
    pub fn new(capacity: usize) -> Self {
        let tables = Tables { counts: Recent::new(capacity), known: Recent::new(capacity / 4) };
        Self { hasher: RandomState::new(), tables: Mutex::new(tables) }
    }

    /// Lets an attempt in and counts it as failed until `succeeded` or `withdraw`, or says how long
    /// to wait; an attempt that is not let in does not count. `username` is normalised.
    pub fn admit(
        &self,
        tenant: &TenantId,
        username: &str,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let keys = self.keys(tenant, username, address);
        let mut tables = self.tables();
        let counted = tables.counted(&keys, now);
        let wait = counted
            .iter()
            .map(|(key, policy)| policy.wait(tables.counts.get(*key), now))
            .max()
            .unwrap_or_default();
        if !wait.is_zero() {
            return Err(wait);
        }
        for (key, policy) in counted {
            let count = policy.after_failure(tables.counts.get(key), now);
            tables.counts.put(key, count);
        }
        Ok(())
    }

    /// The attempt was right: forgets the failures of this account, and knows it at this place.
    pub fn succeeded(&self, tenant: &TenantId, username: &str, address: IpAddr, now: Timestamp) {
        let keys = self.keys(tenant, username, address);
        let mut tables = self.tables();
        // Not forgotten at the address: or an account of one's own would buy guesses at others.
        tables.take_back(&keys, now);
        tables.counts.remove(keys.pair);
        tables.counts.remove(keys.account);
        tables.known.put(keys.pair, now);
    }

    /// The attempt was let in, but not checked: does not count it.
    pub fn withdraw(&self, tenant: &TenantId, username: &str, address: IpAddr, now: Timestamp) {
        let keys = self.keys(tenant, username, address);
        self.tables().take_back(&keys, now);
    }

    fn keys(&self, tenant: &TenantId, username: &str, address: IpAddr) -> Keys {
        let place = place(address);
        let hash = |key: (&str, Option<&str>, Option<IpAddr>)| {
            self.hasher.hash_one((tenant, key.0, key.1, key.2))
        };
        Keys {
            pair: hash(("pair", Some(username), Some(place))),
            account: hash(("account", Some(username), None)),
            address: hash(("address", None, Some(place))),
        }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().expect("no holder of the lock panics")
    }
}

impl fmt::Debug for AttemptLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttemptLimiter").finish_non_exhaustive()
    }
}

impl Tables {
    /// The counters that an attempt counts for.
    fn counted(&self, keys: &Keys, now: Timestamp) -> Vec<(u64, Policy)> {
        let mut counted = vec![(keys.pair, PAIR)];
        let known = self.known.get(keys.pair).is_some_and(|at| now.since(at) < KNOWN_FOR);
        if !known {
            counted.extend([(keys.account, ACCOUNT), (keys.address, ADDRESS)]);
        }
        counted
    }

    fn take_back(&mut self, keys: &Keys, now: Timestamp) {
        for (key, _) in self.counted(keys, now) {
            if let Some(count) = self.counts.get(key) {
                self.counts.put(key, count.one_less());
            }
        }
    }
}

/// What counts as one address: an IPv6 network of 64 bits, since its holder has all of it.
pub(super) fn place(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests;
