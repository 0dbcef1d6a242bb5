//! Throttles wrong credentials of applications per client and address, in bounded memory.
//!
//! Unlike a password check, the check of a secret takes no time. It is therefore checked first, and
//! only a failure is counted, so that any number of concurrent requests with the right secret pass.
//!
//! - **Client and address** together: guessing from one address soon costs half a minute per guess.
//!   A right secret waits too, or an attacker would learn which guess is right, unless it is too
//!   long to be guessed (`are_unguessable`).
//! - **Address**, for any client: lenient, because many applications may share an address. It slows
//!   trying one secret on many clients.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::backoff::{BackoffCounter, BackoffPolicy};
use crate::model::{BoundedCache, TenantId, Timestamp, throttle_prefix};

/// Maximum number of counters of each of the two tables.
const MAX_ENTRIES: usize = 50_000;
/// After 10 failures 1 s, 2 s, … 30 s.
const CLIENT_BACKOFF: BackoffPolicy = BackoffPolicy {
    free: 10,
    first: Duration::from_secs(1),
    max_delay: Duration::from_secs(30),
    forget: Duration::from_hours(1),
};
/// After 200 failures 1 s, 2 s, … 5 s.
const ADDRESS_BACKOFF: BackoffPolicy = BackoffPolicy {
    free: 200,
    first: Duration::from_secs(1),
    max_delay: Duration::from_secs(5),
    forget: Duration::from_hours(1),
};

/// The credential that an attempt is for.
#[derive(Clone, Copy, Debug)]
pub struct ThrottledCredential<'a> {
    /// The tenant whose endpoint received the credential.
    pub tenant: &'a TenantId,
    /// The client ID in the request; `None` for the initial access token.
    pub client: Option<&'a str>,
    /// Whether the client exists. Unknown names are counted in a separate table, so any number of
    /// them cannot evict the counters of existing clients.
    pub exists: bool,
    /// The address that sent the request.
    pub address: IpAddr,
}

/// Throttles wrong client secrets and initial access tokens. Each replica counts separately.
pub struct CredentialThrottle {
    /// A keyed hash, so attackers cannot find names that collide.
    hasher: RandomState,
    tables: Mutex<CredentialCounters>,
}

struct CredentialCounters {
    /// Counters of existing clients, by client and address.
    known: BoundedCache<u64, BackoffCounter>,
    /// Counters of addresses, and of clients that do not exist.
    others: BoundedCache<u64, BackoffCounter>,
}

impl CredentialCounters {
    fn of(&mut self, exists: bool) -> &mut BoundedCache<u64, BackoffCounter> {
        if exists { &mut self.known } else { &mut self.others }
    }
}

impl Default for CredentialThrottle {
    fn default() -> Self {
        let tables = CredentialCounters {
            known: BoundedCache::new(MAX_ENTRIES),
            others: BoundedCache::new(MAX_ENTRIES),
        };
        Self { hasher: RandomState::new(), tables: Mutex::new(tables) }
    }
}

impl fmt::Debug for CredentialThrottle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialThrottle").finish_non_exhaustive()
    }
}

impl CredentialThrottle {
    /// Admits an attempt, or returns how long to wait.
    pub fn admit(
        &self,
        credential: ThrottledCredential<'_>,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let (pair, address) = self.keys(credential);
        let mut tables = self.tables();
        let of_pair =
            CLIENT_BACKOFF.wait_time(tables.of(credential.exists).peek(&pair).copied(), now);
        let of_address = ADDRESS_BACKOFF.wait_time(tables.others.peek(&address).copied(), now);
        let wait = of_pair.max(of_address);
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    /// Counts an admitted attempt whose credential was wrong.
    pub fn failed(&self, credential: ThrottledCredential<'_>, now: Timestamp) {
        let (pair, address) = self.keys(credential);
        let mut tables = self.tables();
        for (table, key, policy) in
            [(credential.exists, pair, CLIENT_BACKOFF), (false, address, ADDRESS_BACKOFF)]
        {
            let table = tables.of(table);
            let count = policy.after_failure(table.peek(&key).copied(), now);
            table.put(key, count);
        }
    }

    /// Forgets the failures of a client at an address after a right secret. Those of the address
    /// stay, or an attacker could reset them with a client of their own.
    pub fn succeeded(&self, credential: ThrottledCredential<'_>) {
        let pair = self.pair_key(credential);
        let mut tables = self.tables();
        let table = tables.of(credential.exists);
        if table.peek(&pair).is_some() {
            table.remove(&pair);
        }
    }

    fn keys(&self, credential: ThrottledCredential<'_>) -> (u64, u64) {
        let of_address = (credential.tenant, throttle_prefix(credential.address));
        (self.pair_key(credential), self.hasher.hash_one(of_address))
    }

    fn pair_key(&self, credential: ThrottledCredential<'_>) -> u64 {
        let ThrottledCredential { tenant, client, address, .. } = credential;
        self.hasher.hash_one((tenant, client, throttle_prefix(address)))
    }

    fn tables(&self) -> MutexGuard<'_, CredentialCounters> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    struct ThrottleFixture(CredentialThrottle, TenantId);

    impl ThrottleFixture {
        fn new() -> Self {
            Self(CredentialThrottle::default(), TenantId::new("team", "shop"))
        }

        fn of<'a>(&'a self, client: &'a str, last: u8) -> ThrottledCredential<'a> {
            let address = [192, 0, 2, last].into();
            ThrottledCredential { tenant: &self.1, client: Some(client), exists: true, address }
        }

        fn fail(&self, client: &str, last: u8, times: u32) {
            for _ in 0..times {
                self.0.failed(self.of(client, last), NOW);
            }
        }

        fn wait(&self, client: &str, last: u8) -> Duration {
            self.0.admit(self.of(client, last), NOW).err().unwrap_or_default()
        }
    }

    #[test]
    fn a_client_waits_longer_after_each_failure_at_one_address_only() {
        let attempts = ThrottleFixture::new();
        attempts.fail("wiki", 1, 9);
        assert_eq!(attempts.wait("wiki", 1), Duration::ZERO);
        attempts.fail("wiki", 1, 1);
        assert_eq!(attempts.wait("wiki", 1), Duration::from_secs(1));
        attempts.fail("wiki", 1, 20);
        assert_eq!(attempts.wait("wiki", 1), Duration::from_secs(30));
        assert_eq!(attempts.wait("wiki", 2), Duration::ZERO, "the application itself");
        assert_eq!(attempts.wait("shop", 1), Duration::ZERO, "another client");
        let after = NOW.plus(Duration::from_secs(30));
        assert_eq!(attempts.0.admit(attempts.of("wiki", 1), after), Ok(()));
    }

    #[test]
    fn trying_many_clients_slows_an_address() {
        let attempts = ThrottleFixture::new();
        for client in 0..200 {
            attempts.fail(&client.to_string(), 1, 1);
        }
        assert_eq!(attempts.wait("wiki", 1), Duration::from_secs(1));
        assert_eq!(attempts.wait("wiki", 2), Duration::ZERO);
    }

    #[test]
    fn a_success_forgets_the_failures_of_the_client_but_not_those_of_the_address() {
        let attempts = ThrottleFixture::new();
        attempts.fail("wiki", 1, 200);
        attempts.0.succeeded(attempts.of("wiki", 1));
        assert_eq!(attempts.wait("wiki", 1), Duration::from_secs(1));
        attempts.fail("shop", 1, 9);
        attempts.0.succeeded(attempts.of("shop", 1));
        attempts.fail("shop", 1, 1);
        let later = NOW.plus(Duration::from_secs(5));
        assert_eq!(attempts.0.admit(attempts.of("shop", 1), later), Ok(()));
    }

    #[test]
    fn unknown_clients_cannot_evict_the_counters_of_existing_ones() {
        let attempts = ThrottleFixture::new();
        attempts.fail("wiki", 1, 11);
        for number in 0..120_000_u32 {
            let client = number.to_string();
            let address = IpAddr::from(number.to_be_bytes());
            let unknown = ThrottledCredential { exists: false, address, ..attempts.of(&client, 1) };
            attempts.0.failed(unknown, NOW);
        }
        assert_eq!(attempts.wait("wiki", 1), Duration::from_secs(2));
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one() {
        let attempts = ThrottleFixture::new();
        let at = |text: &str| ThrottledCredential {
            address: text.parse().expect("an address"),
            client: None,
            ..attempts.of("", 1)
        };
        for _ in 0..10 {
            attempts.0.failed(at("2001:db8::1"), NOW);
        }
        assert!(attempts.0.admit(at("2001:db8::2"), NOW).is_err());
        assert!(attempts.0.admit(at("2001:db8:0:1::2"), NOW).is_ok());
    }
}
