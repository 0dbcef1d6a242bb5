//! Throttles password attempts per account and per address, in bounded memory.
//!
//! Each tenant has three kinds of counters. An attempt counts as failed as soon as it is admitted,
//! so concurrent attempts cannot evade the limit. A success takes that back.
//!
//! - **Account and address** together: strict. Guessing from one address soon costs minutes per
//!   guess.
//! - **Account**, from any address: lenient, with short delays. It slows distributed guessing. The
//!   user is delayed in the meantime, but never locked out.
//! - **Address**, for any account: lenient, because many users may share an address. It slows
//!   trying one password on many accounts.
//!
//! If the user has signed in from the address before, only the strict counter applies, so attackers
//! elsewhere cannot delay that user. A browser that the user has signed in with has a strict
//! counter of its own, at any address. Neighbors behind the same address, and attackers at an
//! address new to the user, do not affect it. While that counter requires a wait, the attempt is
//! counted like one from an unknown browser (OWASP, "Blocking Brute Force Attacks", device
//! cookies).

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use crate::model::{BoundedCache, TenantId, Timestamp, throttle_prefix};

use super::backoff::{BackoffCounter, BackoffPolicy};

const HOUR: Duration = Duration::from_hours(1);

/// After 5 failures 4 s, 8 s, … 5 min: at most 300 guesses per day.
const PAIR_BACKOFF: BackoffPolicy = BackoffPolicy {
    free: 5,
    first: Duration::from_secs(4),
    max_delay: Duration::from_mins(5),
    forget: HOUR,
};
/// After 50 failures 1 s, 2 s, … 30 s.
const ACCOUNT_BACKOFF: BackoffPolicy = BackoffPolicy {
    free: 50,
    first: Duration::from_secs(1),
    max_delay: Duration::from_secs(30),
    forget: HOUR,
};
/// After 100 failures 1 s, 2 s, … 5 s.
const ADDRESS_BACKOFF: BackoffPolicy = BackoffPolicy {
    free: 100,
    first: Duration::from_secs(1),
    max_delay: Duration::from_secs(5),
    forget: HOUR,
};
/// How long an address is known after the user's last sign-in from it.
const KNOWN_ADDRESS_TTL: Duration = Duration::from_hours(30 * 24);

/// Throttles failed password attempts. Each replica counts separately.
pub struct LoginThrottle {
    /// A keyed hash, so attackers cannot find names that collide.
    hasher: RandomState,
    tables: Mutex<LoginCounters>,
}

struct LoginCounters {
    /// Counters of the accounts of existing users.
    people: BoundedCache<u64, BackoffCounter>,
    /// Counters of addresses, browsers, pairs of user and address, and accounts of unknown names.
    counts: BoundedCache<u64, BackoffCounter>,
    /// The time of a user's last sign-in from an address.
    known: BoundedCache<u64, Timestamp>,
}

/// The account that an attempt is for.
#[derive(Clone, Copy, Debug)]
pub struct ThrottledAccount<'a> {
    /// The tenant of the sign-in page.
    pub tenant: &'a TenantId,
    /// The user name as [`normalize_username`](crate::model::normalize_username) returns it.
    pub username: &'a str,
    /// Whether the user exists. Unknown names are counted in a separate table, so any number of
    /// them cannot evict the counters of existing users.
    pub exists: bool,
}

/// The source of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptSource<'a> {
    /// The address of the browser.
    pub address: IpAddr,
    /// The ID of the browser, if the user has signed in with it before.
    pub known_browser: Option<&'a str>,
}

/// An admitted attempt. It counts as failed until [`LoginThrottle::succeeded`] or [`LoginThrottle::withdraw`] is
/// called.
#[derive(Debug)]
pub struct AttemptPermit {
    keys: Keys,
    counted: Vec<Key>,
}

/// The counters of an attempt.
#[derive(Debug)]
struct Keys {
    browser: Option<Key>,
    pair: Key,
    account: Key,
    address: Key,
}

/// The key of a counter.
#[derive(Clone, Copy, Debug)]
struct Key {
    hash: u64,
    /// Whether the counter belongs to an existing user. Attackers cannot create more of these.
    of_person: bool,
}

impl LoginThrottle {
    /// Capacity for about 65,000 attempts by different users and addresses in at most 12 MB, and
    /// for as many accounts again.
    pub const DEFAULT_CAPACITY: usize = 200_000;

    /// Creates a throttle that keeps at most `capacity` counters, the most recent ones.
    pub fn new(capacity: usize) -> Self {
        let tables = LoginCounters {
            people: BoundedCache::new(capacity),
            counts: BoundedCache::new(capacity),
            known: BoundedCache::new(capacity / 4),
        };
        Self { hasher: RandomState::new(), tables: Mutex::new(tables) }
    }

    /// Admits an attempt, or returns how long to wait. An admitted attempt counts as failed until
    /// `succeeded` or `withdraw` is called. A rejected attempt is not counted.
    pub fn admit(
        &self,
        account: ThrottledAccount<'_>,
        origin: AttemptSource<'_>,
        now: Timestamp,
    ) -> Result<AttemptPermit, Duration> {
        let keys = self.keys(account, origin);
        let mut tables = self.tables();
        let (mut admitted, mut wait) = (Vec::new(), Duration::ZERO);
        for (key, policy) in tables.counted(&keys, now) {
            match policy.admit(tables.count(key), now) {
                Ok(count) => admitted.push((key, count)),
                Err(own) => wait = wait.max(own),
            }
        }
        if !wait.is_zero() {
            return Err(wait);
        }
        for (key, count) in &admitted {
            tables.of(*key).put(key.hash, *count);
        }
        Ok(AttemptPermit { keys, counted: admitted.into_iter().map(|(key, _)| key).collect() })
    }

    /// Records a successful attempt: resets the counters of the account and remembers the address.
    pub fn succeeded(&self, admission: &AttemptPermit, now: Timestamp) {
        let keys = &admission.keys;
        let mut tables = self.tables();
        // Keep earlier failures of the address. Otherwise an attacker could reset them by signing
        // in to their own account.
        tables.take_back(admission);
        for key in [Some(keys.pair), Some(keys.account), keys.browser].into_iter().flatten() {
            tables.of(key).remove(&key.hash);
        }
        tables.known.put(keys.pair.hash, now);
    }

    /// Takes back an admitted attempt that was not checked.
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
        let of_browser = |id| Key {
            hash: self.hasher.hash_one((tenant, "browser", username, id)),
            of_person: false,
        };
        Keys {
            browser: origin.known_browser.map(of_browser),
            pair: key(("pair", Some(username), Some(place))),
            account: Key { of_person: exists, ..key(("account", Some(username), None)) },
            address: key(("address", None, Some(place))),
        }
    }

    fn tables(&self) -> MutexGuard<'_, LoginCounters> {
        self.tables.lock().expect("no holder of the lock panics")
    }
}

impl fmt::Debug for LoginThrottle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginThrottle").finish_non_exhaustive()
    }
}

impl LoginCounters {
    fn of(&mut self, key: Key) -> &mut BoundedCache<u64, BackoffCounter> {
        if key.of_person { &mut self.people } else { &mut self.counts }
    }

    fn count(&self, key: Key) -> Option<BackoffCounter> {
        let table = if key.of_person { &self.people } else { &self.counts };
        table.peek(&key.hash).copied()
    }

    /// Returns the counters that apply to an attempt.
    fn counted(&self, keys: &Keys, now: Timestamp) -> Vec<(Key, BackoffPolicy)> {
        let ready = |key: &Key| PAIR_BACKOFF.wait_time(self.count(*key), now).is_zero();
        if let Some(browser) = keys.browser.filter(ready) {
            return vec![(browser, PAIR_BACKOFF)];
        }
        let mut counted = vec![(keys.pair, PAIR_BACKOFF)];
        let known =
            self.known.peek(&keys.pair.hash).is_some_and(|at| now.since(*at) < KNOWN_ADDRESS_TTL);
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

#[cfg(test)]
mod tests;
