//! Limits of requests that a person answers on another device (RFC 8628 §5.1, §5.6, CIBA Core §15), in bounded memory.
//! Each replica counts separately.
//!
//! Such a request is the one record that is stored before a user has signed in, so addresses and clients have
//! quotas. Requests of a client that has authenticated count for the client. Requests over the backchannel count
//! for the person too, because the person is asked without a request of their own.

use std::{
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    identity::RefillingBudget,
    model::{BoundedCache, ClientId, Subject, TenantId, Timestamp, throttle_prefix},
    protocol::cross_device::{MAX_WAITING_TIME, POLL_INTERVAL},
};

/// Maximum number of entries of each table.
const MAX_ENTRIES: usize = 50_000;
/// Requests of an address at a public client: at most 120 records are unexpired.
const REQUESTS_OF_ADDRESS: RefillingBudget =
    RefillingBudget { burst: 20, refill: Duration::from_secs(6) };
/// Requests of a client: at most 1,600 records of at most 3 KiB are unexpired.
const REQUESTS_OF_CLIENT: RefillingBudget =
    RefillingBudget { burst: 1_000, refill: Duration::from_secs(1) };
/// Further requests of a client, by addresses that ask for the first time within the lifetime of a code: a few
/// addresses cannot use up what others need. At most 3,400 records more are unexpired.
const REQUESTS_OF_NEW_ADDRESSES: RefillingBudget =
    RefillingBudget { burst: 1_000, refill: Duration::from_millis(250) };
/// Backchannel requests of a client to one user.
const REQUESTS_TO_PERSON: RefillingBudget =
    RefillingBudget { burst: 5, refill: Duration::from_mins(1) };
/// Mail about backchannel requests of a client to one user.
const MAILS_TO_PERSON: RefillingBudget =
    RefillingBudget { burst: 3, refill: Duration::from_mins(20) };
/// Mail about backchannel requests of a client to all users, so that no client uses up the capacity of the mail server.
const MAILS_OF_CLIENT: RefillingBudget =
    RefillingBudget { burst: 30, refill: Duration::from_secs(10) };
/// Wrong user codes from an address, which many users may share.
const CODES_OF_ADDRESS: RefillingBudget =
    RefillingBudget { burst: 30, refill: Duration::from_secs(10) };
/// Wrong user codes from a browser.
const CODES_OF_BROWSER: RefillingBudget =
    RefillingBudget { burst: 10, refill: Duration::from_secs(30) };
/// A poll may come this much earlier than the interval, because of the network.
const POLL_TOLERANCE: Duration = Duration::from_secs(1);
/// The interval grows by this at each poll that comes too early (RFC 8628 §3.5).
const SLOW_DOWN_INCREMENT: Duration = Duration::from_secs(5);
/// The interval does not grow beyond this, so that a client which ignores it gets its tokens too.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(30);

/// Rate limits of device and backchannel requests: counters in the memory of this replica.
pub(in crate::accounts) struct CrossDeviceLimits {
    /// A keyed hash, so attackers cannot find keys that collide.
    hasher: RandomState,
    tables: Mutex<CrossDeviceCounters>,
}

struct CrossDeviceCounters {
    /// Keyed by tenant and client, so an attacker cannot add entries.
    clients: BoundedCache<u64, Timestamp>,
    addresses: BoundedCache<u64, Timestamp>,
    browsers: BoundedCache<u64, Timestamp>,
    people: BoundedCache<u64, Timestamp>,
    polls: BoundedCache<u64, PollTimes>,
}

/// The polls for a request.
#[derive(Clone, Copy, Debug)]
struct PollTimes {
    /// The last poll that did not come too early.
    last: Timestamp,
    interval: Duration,
}

impl Default for CrossDeviceLimits {
    fn default() -> Self {
        let tables = CrossDeviceCounters {
            clients: BoundedCache::new(MAX_ENTRIES),
            addresses: BoundedCache::new(MAX_ENTRIES),
            browsers: BoundedCache::new(MAX_ENTRIES),
            people: BoundedCache::new(MAX_ENTRIES),
            polls: BoundedCache::new(MAX_ENTRIES),
        };
        Self { hasher: RandomState::new(), tables: Mutex::new(tables) }
    }
}

impl fmt::Debug for CrossDeviceLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrossDeviceLimits").finish_non_exhaustive()
    }
}

impl CrossDeviceLimits {
    /// Takes one request from the quota of the client and, for a public client, from that of the address. Otherwise
    /// returns how long to wait.
    pub(super) fn admit_request(
        &self,
        (tenant, client): (&TenantId, &ClientId),
        public_from: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let of_client = self.key(("request", tenant, client));
        let of_address =
            public_from.map(|from| self.key(("request", tenant, throttle_prefix(from))));
        let of_new_addresses = self.key(("request of a new address", tenant, client));
        let mut tables = self.tables();
        let address = of_address.map(|key| (key, tables.addresses.peek(&key).copied()));
        let rested = |whole_at: Timestamp| now.since(whole_at) >= MAX_WAITING_TIME;
        let is_new = address.is_some_and(|(_, whole_at)| whole_at.is_none_or(rested));
        let quota = |key: u64, budget: &RefillingBudget| {
            let spent = tables.clients.peek(&key).copied();
            (budget.wait_time(spent, now), key, budget.spend(spent, now))
        };
        let of_all = quota(of_client, &REQUESTS_OF_CLIENT);
        let of_new = quota(of_new_addresses, &REQUESTS_OF_NEW_ADDRESSES);
        let used = if is_new && !of_all.0.is_zero() { of_new } else { of_all };
        let (wait_of_client, client, spent_by_client) = used;
        let wait_of_address =
            address.map_or(Duration::ZERO, |(_, at)| REQUESTS_OF_ADDRESS.wait_time(at, now));
        let wait = wait_of_address.max(wait_of_client);
        if !wait.is_zero() {
            return Err(wait);
        }
        tables.clients.put(client, spent_by_client);
        if let Some((key, at)) = address {
            tables.addresses.put(key, REQUESTS_OF_ADDRESS.spend(at, now));
        }
        Ok(())
    }

    /// Takes one request to a person from the quota of the client, or returns how long to wait.
    pub(in crate::accounts) fn admit_person(
        &self,
        (tenant, client): (&TenantId, &ClientId),
        person: &Subject,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let key = self.key(("person", tenant, client, person));
        let mut tables = self.tables();
        let spent = tables.people.peek(&key).copied();
        let wait = REQUESTS_TO_PERSON.wait_time(spent, now);
        if wait.is_zero() {
            tables.people.put(key, REQUESTS_TO_PERSON.spend(spent, now));
            return Ok(());
        }
        Err(wait)
    }

    /// Takes one mail about a request to a person from the budgets of the client; returns false if they are used up.
    pub(in crate::accounts) fn admit_mail(
        &self,
        (tenant, client): (&TenantId, &ClientId),
        person: &Subject,
        now: Timestamp,
    ) -> bool {
        let to_person = self.key(("mail", tenant, client, person));
        let of_client = self.key(("mail", tenant, client));
        let mut tables = self.tables();
        let spent_on_person = tables.people.peek(&to_person).copied();
        let spent_by_client = tables.clients.peek(&of_client).copied();
        let wait = MAILS_TO_PERSON.wait_time(spent_on_person, now);
        if !wait.max(MAILS_OF_CLIENT.wait_time(spent_by_client, now)).is_zero() {
            return false;
        }
        tables.people.put(to_person, MAILS_TO_PERSON.spend(spent_on_person, now));
        tables.clients.put(of_client, MAILS_OF_CLIENT.spend(spent_by_client, now));
        true
    }

    /// Takes one attempt at a user code from the budgets of address and browser, or returns how long to wait. It
    /// is treated as wrong until `code_was_right` is called.
    pub(super) fn admit_code(
        &self,
        tenant: &TenantId,
        (address, browser): (IpAddr, &[u8; 32]),
        now: Timestamp,
    ) -> Result<(), Duration> {
        let [of_address, of_browser] = self.code_keys(tenant, (address, browser));
        let mut tables = self.tables();
        let (spent_by_address, spent_by_browser) = (
            tables.addresses.peek(&of_address).copied(),
            tables.browsers.peek(&of_browser).copied(),
        );
        let wait = CODES_OF_ADDRESS
            .wait_time(spent_by_address, now)
            .max(CODES_OF_BROWSER.wait_time(spent_by_browser, now));
        if !wait.is_zero() {
            return Err(wait);
        }
        tables.addresses.put(of_address, CODES_OF_ADDRESS.spend(spent_by_address, now));
        tables.browsers.put(of_browser, CODES_OF_BROWSER.spend(spent_by_browser, now));
        Ok(())
    }

    /// Gives an attempt back whose code was right.
    pub(super) fn code_was_right(&self, tenant: &TenantId, source: (IpAddr, &[u8; 32])) {
        let [of_address, of_browser] = self.code_keys(tenant, source);
        let mut tables = self.tables();
        if let Some(spent) = tables.addresses.peek(&of_address).copied() {
            tables.addresses.put(of_address, CODES_OF_ADDRESS.give_back(spent));
        }
        if let Some(spent) = tables.browsers.peek(&of_browser).copied() {
            tables.browsers.put(of_browser, CODES_OF_BROWSER.give_back(spent));
        }
    }

    /// Returns false if a client polls too early. Its interval grows then.
    pub(super) fn admit_poll(&self, grant_id: &str, now: Timestamp) -> bool {
        let key = self.key(("poll", grant_id));
        let mut tables = self.tables();
        let before = tables.polls.peek(&key).copied();
        let is_early = before.is_some_and(|it| now.since(it.last) + POLL_TOLERANCE < it.interval);
        let next = match before {
            Some(PollTimes { last, interval }) if is_early => PollTimes {
                last,
                interval: (interval + SLOW_DOWN_INCREMENT).min(MAX_POLL_INTERVAL),
            },
            before => PollTimes {
                last: now,
                interval: before.map_or(POLL_INTERVAL, |before| before.interval),
            },
        };
        tables.polls.put(key, next);
        !is_early
    }

    fn code_keys(&self, tenant: &TenantId, (address, browser): (IpAddr, &[u8; 32])) -> [u64; 2] {
        [self.key(("code", tenant, throttle_prefix(address))), self.key(("code", tenant, browser))]
    }

    fn key(&self, parts: impl Hash) -> u64 {
        self.hasher.hash_one(parts)
    }

    fn tables(&self) -> MutexGuard<'_, CrossDeviceCounters> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);

    fn later(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn requests_are_limited_by_address_and_by_client() {
        let (limits, tenant) = (CrossDeviceLimits::default(), TenantId::new("team", "shop"));
        let (cli, other) = (ClientId::new("cli"), ClientId::new("other"));
        let admit = |client, from| limits.admit_request((&tenant, client), from, NOW).is_ok();
        let of_one = (0..100).filter(|_| admit(&cli, Some(address(1)))).count();
        assert_eq!(of_one, 20);
        assert!(!admit(&other, Some(address(1))) && admit(&other, Some(address(2))));
        let of_many = (0..2_000_u32).filter(|it| admit(&cli, Some(IpAddr::from(it.to_be_bytes()))));
        assert_eq!(of_many.count(), 1_980, "many addresses do not evade the quotas of the client");
        assert!(!admit(&cli, None), "nor does an authenticated client");
        let wait = limits.admit_request((&tenant, &other), Some(address(1)), NOW);
        assert_eq!(wait, Err(Duration::from_secs(6)));
        assert!(limits.admit_request((&tenant, &other), Some(address(1)), later(6)).is_ok());
    }

    #[test]
    fn addresses_that_ask_again_do_not_use_up_what_others_need() {
        // RFC 8628 §5.2: a public client identifies no user.
        let (limits, tenant) = (CrossDeviceLimits::default(), TenantId::new("team", "shop"));
        let cli = ClientId::new("cli");
        let admit = |from: u32, seconds| {
            let from = Some(IpAddr::from(from.to_be_bytes()));
            limits.admit_request((&tenant, &cli), from, later(seconds)).is_ok()
        };
        let mut second = 0;
        // Some addresses ask as often as they may.
        let mut flood = |addresses: u32, seconds: u64| {
            for _ in 0..seconds {
                second += 1;
                (0..addresses).for_each(|from| {
                    admit(from, second);
                });
            }
            second
        };
        let now = flood(100, 60);
        assert!(!admit(1, now), "the quota of the client is used up");
        assert!((1_000..1_500).all(|from| admit(from, now)), "others get their codes");
        assert!(!admit(1_000, now), "once");
    }

    #[test]
    fn wrong_codes_are_limited_by_browser_and_by_address() {
        let (limits, tenant) = (CrossDeviceLimits::default(), TenantId::new("team", "shop"));
        let guess = |last, browser: u8| {
            limits.admit_code(&tenant, (address(last), &[browser; 32]), NOW).is_ok()
        };
        assert_eq!((0..100).filter(|_| guess(1, 1)).count(), 10);
        assert!(!guess(2, 1), "the browser waits at any address");
        assert_eq!((2..100).filter(|browser| guess(1, *browser)).count(), 20);
        assert!(!guess(1, 200) && guess(2, 200), "the address waits in any browser");
    }

    #[test]
    fn right_codes_cost_nothing() {
        let (limits, tenant) = (CrossDeviceLimits::default(), TenantId::new("team", "shop"));
        let source = (address(1), &[1; 32]);
        for _ in 0..100 {
            assert!(limits.admit_code(&tenant, source, NOW).is_ok());
            limits.code_was_right(&tenant, source);
        }
    }

    #[test]
    fn a_client_cannot_flood_a_person() {
        let (limits, tenant) = (CrossDeviceLimits::default(), TenantId::new("team", "shop"));
        let (bank, other) = (ClientId::new("bank"), ClientId::new("other"));
        let (ada, bob) = (Subject::new("ada"), Subject::new("bob"));
        let ask = |client, person, seconds| {
            limits.admit_person((&tenant, client), person, later(seconds)).is_ok()
        };
        assert_eq!((0..100).filter(|_| ask(&bank, &ada, 0)).count(), 5);
        assert!(ask(&bank, &bob, 0) && ask(&other, &ada, 0));
        assert!(!ask(&bank, &ada, 59) && ask(&bank, &ada, 60));
    }

    #[test]
    fn each_client_has_a_mail_budget_of_its_own() {
        let (limits, tenant) = (CrossDeviceLimits::default(), TenantId::new("team", "shop"));
        let (bank, other) = (ClientId::new("bank"), ClientId::new("other"));
        let mail = |client, person: &str, seconds| {
            limits.admit_mail((&tenant, client), &Subject::new(person), later(seconds))
        };
        assert_eq!((0..100).filter(|_| mail(&bank, "ada", 0)).count(), 3);
        assert!(mail(&other, "ada", 0), "another client has its own budget");
        assert!(!mail(&bank, "ada", 1_199) && mail(&bank, "ada", 1_200));
        let people = |seconds| (0..100).filter(|it| mail(&bank, &format!("{it}"), seconds)).count();
        assert_eq!(people(2_000), 30);
        assert_eq!(people(2_010), 1, "then one in ten seconds");
        assert!(mail(&other, "bob", 2_010));
    }

    #[test]
    fn a_device_that_polls_too_early_has_to_slow_down() {
        // RFC 8628 §3.5
        let limits = CrossDeviceLimits::default();
        let poll = |seconds| limits.admit_poll("one", later(seconds));
        assert!(poll(0) && poll(5) && poll(9), "a second of tolerance");
        assert!(!poll(10), "the interval is ten seconds now");
        assert!(!poll(14), "and then fifteen");
        assert!(poll(24) && limits.admit_poll("two", later(24)));
        let flood = (25..325).filter(|seconds| poll(*seconds)).count();
        assert_eq!(flood, 10, "a device that ignores it is answered every thirty seconds");
    }
}
