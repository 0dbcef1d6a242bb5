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
//! nobody elsewhere can keep that person out. With a browser that this person has signed in with, a
//! strict counter of its own applies, wherever it is: neighbours behind one address, and attackers
//! where the person goes next, have no part in it. Once that one has to wait, it counts as any other
//! (OWASP, "Blocking Brute Force Attacks", device cookies).

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use crate::model::{BoundedCache, TenantId, Timestamp};

use super::backoff::{BackoffCounter, BackoffPolicy};

const HOUR: Duration = Duration::from_hours(1);

/// After 5 failures 4 s, 8 s, … 5 min: at most 300 guesses a day.
const PAIR_BACKOFF: BackoffPolicy = BackoffPolicy {
    free: 5,
    first: Duration::from_secs(4),
    most: Duration::from_mins(5),
    forget: HOUR,
};
/// After 50 failures 1 s, 2 s, … 30 s.
const ACCOUNT_BACKOFF: BackoffPolicy = BackoffPolicy {
    free: 50,
    first: Duration::from_secs(1),
    most: Duration::from_secs(30),
    forget: HOUR,
};
/// After 100 failures 1 s, 2 s, … 5 s.
const ADDRESS_BACKOFF: BackoffPolicy = BackoffPolicy {
    free: 100,
    first: Duration::from_secs(1),
    most: Duration::from_secs(5),
    forget: HOUR,
};
/// How long a place is known after the last sign-in there.
const KNOWN_BROWSER_TTL: Duration = Duration::from_hours(30 * 24);

/// Counts failed attempts. Each replica counts for itself.
pub struct LoginThrottle {
    /// Keyed hashing: nobody outside can find names that fall together.
    hasher: RandomState,
    tables: Mutex<Tables>,
}

struct Tables {
    /// Of accounts that exist.
    people: BoundedCache<u64, BackoffCounter>,
    /// Everything else.
    counts: BoundedCache<u64, BackoffCounter>,
    /// When a person last signed in at a place.
    known: BoundedCache<u64, Timestamp>,
}

/// Whose password is tried.
#[derive(Clone, Copy, Debug)]
pub struct ThrottledAccount<'a> {
    /// At which tenant.
    pub tenant: &'a TenantId,
    /// Normalised.
    pub username: &'a str,
    /// Whether there is such a person. Names that are made up are counted alike, and apart: however
    /// many there are, nobody's failures are forgotten for them.
    pub exists: bool,
}

/// Where an attempt comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptSource<'a> {
    /// The browser's address.
    pub address: IpAddr,
    /// The browser, if the person that the attempt is for has signed in with it.
    pub known_browser: Option<&'a str>,
}

/// An attempt that was let in.
#[derive(Debug)]
pub struct AttemptPermit {
    keys: Keys,
    counted: Vec<Key>,
}

/// What an attempt is counted under.
#[derive(Debug)]
struct Keys {
    device: Option<Key>,
    pair: Key,
    account: Key,
    address: Key,
}

/// One counter's.
#[derive(Clone, Copy, Debug)]
struct Key {
    hash: u64,
    /// Whether it is one of those for people who exist, which nobody can make more of.
    of_person: bool,
}

impl LoginThrottle {
    /// Counters for some 65,000 attempts by different people and places, in at most 12 MB, and as many
    /// accounts again.
    pub const DEFAULT_CAPACITY: usize = 200_000;

    /// A limiter that remembers at most `capacity` counters, the most recent ones.
    pub fn new(capacity: usize) -> Self {
        let tables = Tables {
            people: BoundedCache::new(capacity),
            counts: BoundedCache::new(capacity),
            known: BoundedCache::new(capacity / 4),
        };
        Self { hasher: RandomState::new(), tables: Mutex::new(tables) }
    }

    /// Lets an attempt in and counts it as failed until `succeeded` or `withdraw`, or says how long
    /// to wait; an attempt that is not let in does not count.
    pub fn admit(
        &self,
        account: ThrottledAccount<'_>,
        origin: AttemptSource<'_>,
        now: Timestamp,
    ) -> Result<AttemptPermit, Duration> {
        let keys = self.keys(account, origin);
        let mut tables = self.tables();
        let counted = tables.counted(&keys, now);
        let wait = counted
            .iter()
            .map(|(key, policy)| policy.wait(tables.count(*key), now))
            .max()
            .unwrap_or_default();
        if !wait.is_zero() {
            return Err(wait);
        }
        for (key, policy) in &counted {
            let count = policy.after_failure(tables.count(*key), now);
            tables.of(*key).put(key.hash, count);
        }
        Ok(AttemptPermit { keys, counted: counted.into_iter().map(|(key, _)| key).collect() })
    }

    /// The attempt was right: forgets the failures of this account, and knows it at this place.
    pub fn succeeded(&self, admission: &AttemptPermit, now: Timestamp) {
        let keys = &admission.keys;
        let mut tables = self.tables();
        // Not forgotten at the address: or an account of one's own would buy guesses at others.
        tables.take_back(admission);
        for key in [Some(keys.pair), Some(keys.account), keys.device].into_iter().flatten() {
            tables.of(key).remove(&key.hash);
        }
        tables.known.put(keys.pair.hash, now);
    }

    /// The attempt was let in, but not checked: does not count it.
    pub fn withdraw(&self, admission: &AttemptPermit) {
        self.tables().take_back(admission);
    }

    fn keys(&self, account: ThrottledAccount<'_>, origin: AttemptSource<'_>) -> Keys {
        let ThrottledAccount { tenant, username, exists } = account;
        let place = throttle_prefix(origin.address);
        let key = |key: (&str, Option<&str>, Option<IpAddr>)| Key {
            hash: self.hasher.hash_one((tenant, key.0, key.1, key.2)),
            of_person: false,
        };
        let of_device = |id| Key {
            hash: self.hasher.hash_one((tenant, "device", username, id)),
            of_person: false,
        };
        Keys {
            device: origin.known_browser.map(of_device),
            pair: key(("pair", Some(username), Some(place))),
            account: Key { of_person: exists, ..key(("account", Some(username), None)) },
            address: key(("address", None, Some(place))),
        }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().expect("no holder of the lock panics")
    }
}

impl fmt::Debug for LoginThrottle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttemptLimiter").finish_non_exhaustive()
    }
}

impl Tables {
    fn of(&mut self, key: Key) -> &mut BoundedCache<u64, BackoffCounter> {
        if key.of_person { &mut self.people } else { &mut self.counts }
    }

    fn count(&self, key: Key) -> Option<BackoffCounter> {
        let table = if key.of_person { &self.people } else { &self.counts };
        table.peek(&key.hash).copied()
    }

    /// The counters that an attempt counts for.
    fn counted(&self, keys: &Keys, now: Timestamp) -> Vec<(Key, BackoffPolicy)> {
        let ready = |key: &Key| PAIR_BACKOFF.wait(self.count(*key), now).is_zero();
        if let Some(device) = keys.device.filter(ready) {
            return vec![(device, PAIR_BACKOFF)];
        }
        let mut counted = vec![(keys.pair, PAIR_BACKOFF)];
        let known =
            self.known.peek(&keys.pair.hash).is_some_and(|at| now.since(*at) < KNOWN_BROWSER_TTL);
        if !known {
            counted.extend([(keys.account, ACCOUNT_BACKOFF), (keys.address, ADDRESS_BACKOFF)]);
        }
        counted
    }

    fn take_back(&mut self, admission: &AttemptPermit) {
        for key in &admission.counted {
            if let Some(count) = self.count(*key) {
                self.of(*key).put(key.hash, count.one_less());
            }
        }
    }
}

/// What counts as one address: an IPv6 network of 64 bits, since its holder has all of it.
pub fn throttle_prefix(address: IpAddr) -> IpAddr {
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
