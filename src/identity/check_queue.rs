//! A bounded queue of password checks that is shared fairly between tenants and, within a tenant,
//! between addresses.
//!
//! The next check belongs to the tenant with the least recent work, and within it to the address with the least
//! recent work. A right password adds little work, because a flood consists of wrong ones, and people who sign in
//! one after another must not wait for it. Waiting checks add a little, so that a single check precedes those of a
//! flood that has just begun. If the queue is full, the tenant with the most waiting checks loses its latest one.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    time::Duration,
};

use tokio::time::Instant;

use crate::model::{TenantId, throttle_prefix};

/// The time after which work counts half.
const HALF_LIFE: Duration = Duration::from_secs(2);
/// The work that a waiting check counts as, and the most of them that count.
const WAITING_WORK: Duration = Duration::from_millis(10);
const MAX_WAITING_COUNTED: u32 = 3;
/// The work of a check before it has run.
const EXPECTED_WORK: Duration = Duration::from_millis(20);
/// The part of its work that counts for a check of a right password. It is not zero, so that callers
/// who know one password cannot use up the threads.
const RIGHT_PASSWORD_SHARE: f64 = 1.0 / 32.0;
/// Recent work that does not count, so that a few checks of a tenant go before those of a flood.
const FREE_WORK: Duration = Duration::from_millis(100);
/// Number of tenants or addresses from which on those without recent work are dropped.
const MAX_ENTRIES: usize = 4096;
/// Work that is too little to count.
const NO_WORK: Duration = Duration::from_millis(1);

/// The tenant and the client address that a check is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CheckOrigin {
    tenant: u64,
    address: u64,
}

/// A check that waits for a thread.
struct WaitingCheck<T> {
    origin: CheckOrigin,
    /// Whether no other such check may run at the same time.
    is_costly: bool,
    check: T,
}

/// The password checks that wait for a thread, and the recent work of each tenant and address.
pub(super) struct PasswordCheckQueue<T> {
    capacity: usize,
    /// The checks that wait, in the order of their arrival.
    waiting: Vec<WaitingCheck<T>>,
    tenants: RecentWork,
    addresses: RecentWork,
    costly_runs: bool,
}

/// A check that was taken from the queue; to be returned with [`PasswordCheckQueue::finish`].
#[derive(Debug)]
pub(super) struct RunningCheck {
    origin: CheckOrigin,
    is_costly: bool,
}

/// Makes the origins of checks.
#[derive(Debug, Default)]
pub(super) struct CheckOrigins(RandomState);

impl CheckOrigins {
    /// The origin of a check: IPv6 addresses of one network are the same.
    pub(super) fn origin(&self, tenant: &TenantId, address: IpAddr) -> CheckOrigin {
        let address = self.0.hash_one(throttle_prefix(address));
        CheckOrigin { tenant: self.0.hash_one(tenant), address }
    }
}

impl<T> PasswordCheckQueue<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            waiting: Vec::new(),
            tenants: RecentWork::default(),
            addresses: RecentWork::default(),
            costly_runs: false,
        }
    }

    /// The number of waiting checks.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Adds a check. If the queue is full, the check that has to leave is returned, which may be
    /// the same one.
    pub(super) fn push(&mut self, origin: CheckOrigin, is_costly: bool, check: T) -> Option<T> {
        self.waiting.push(WaitingCheck { origin, is_costly, check });
        if self.waiting.len() <= self.capacity {
            return None;
        }
        let tenant = self.most(|origin| origin.tenant, |_| true)?;
        let address = self.most(|origin| origin.address, |origin| origin.tenant == tenant)?;
        let origin = CheckOrigin { tenant, address };
        let last = self.waiting.iter().rposition(|waiting| waiting.origin == origin)?;
        Some(self.waiting.remove(last).check)
    }

    /// The value that most of these waiting checks have; the latest of several.
    fn most(
        &self,
        value: impl Fn(&CheckOrigin) -> u64,
        counts: impl Fn(&CheckOrigin) -> bool,
    ) -> Option<u64> {
        let mut numbers: HashMap<u64, (usize, usize)> = HashMap::new();
        for (index, waiting) in self.waiting.iter().enumerate() {
            if counts(&waiting.origin) {
                let number = numbers.entry(value(&waiting.origin)).or_default();
                *number = (number.0 + 1, index);
            }
        }
        numbers.into_iter().max_by_key(|(_, number)| *number).map(|(value, _)| value)
    }

    /// Takes the next check that may run.
    pub(super) fn take(&mut self, now: Instant) -> Option<(T, RunningCheck)> {
        let may_run = |waiting: &WaitingCheck<T>| !(waiting.is_costly && self.costly_runs);
        let tenants = self.number_by(|origin| origin.tenant);
        let addresses = self.number_by(|origin| origin.address);
        let candidates = self.waiting.iter().enumerate().filter(|(_, waiting)| may_run(waiting));
        let (next, _) = candidates.min_by_key(|(index, waiting)| {
            let CheckOrigin { tenant, address } = waiting.origin;
            let of_tenant = self.tenants.counted(tenant, now) + work_of(tenants.get(&tenant));
            let of_address =
                self.addresses.counted(address, now) + work_of(addresses.get(&address));
            let recent = (self.tenants.of(tenant, now), self.addresses.of(address, now));
            (of_tenant, recent.0, of_address, recent.1, *index)
        })?;
        let WaitingCheck { origin, is_costly, check } = self.waiting.remove(next);
        self.tenants.add(origin.tenant, EXPECTED_WORK, now);
        self.addresses.add(origin.address, EXPECTED_WORK, now);
        self.costly_runs |= is_costly;
        Some((check, RunningCheck { origin, is_costly }))
    }

    /// The number of waiting checks for each value.
    fn number_by(&self, value: impl Fn(&CheckOrigin) -> u64) -> HashMap<u64, u32> {
        let mut numbers = HashMap::new();
        for waiting in &self.waiting {
            *numbers.entry(value(&waiting.origin)).or_default() += 1;
        }
        numbers
    }

    /// Counts the work of a check that has ended, in place of the expected work. `is_right` says
    /// whether it was a user's password.
    pub(super) fn finish(
        &mut self,
        check: &RunningCheck,
        (work, is_right): (Duration, bool),
        now: Instant,
    ) {
        let work = if is_right { work.mul_f64(RIGHT_PASSWORD_SHARE) } else { work };
        self.tenants.correct(check.origin.tenant, work, now);
        self.addresses.correct(check.origin.address, work, now);
        if check.is_costly {
            self.costly_runs = false;
        }
    }
}

/// The work that this many waiting checks count as.
fn work_of(waiting: Option<&u32>) -> Duration {
    WAITING_WORK * waiting.copied().unwrap_or_default().min(MAX_WAITING_COUNTED)
}

/// The recent work for each tenant or address.
#[derive(Debug, Default)]
struct RecentWork(HashMap<u64, (Duration, Instant)>);

impl RecentWork {
    fn of(&self, key: u64, now: Instant) -> Duration {
        self.0.get(&key).map_or(Duration::ZERO, |(work, at)| decayed(*work, *at, now))
    }

    fn counted(&self, key: u64, now: Instant) -> Duration {
        self.of(key, now).saturating_sub(FREE_WORK)
    }

    fn add(&mut self, key: u64, work: Duration, now: Instant) {
        if self.0.len() >= MAX_ENTRIES {
            self.0.retain(|_, (work, at)| decayed(*work, *at, now) > NO_WORK);
        }
        self.0.insert(key, (self.of(key, now) + work, now));
    }

    /// Replaces the expected work of a check by its work.
    fn correct(&mut self, key: u64, work: Duration, now: Instant) {
        let others = self.of(key, now).saturating_sub(EXPECTED_WORK);
        self.0.insert(key, (others + work, now));
    }
}

fn decayed(work: Duration, at: Instant, now: Instant) -> Duration {
    let half_lives = now.saturating_duration_since(at).as_secs_f64() / HALF_LIFE.as_secs_f64();
    work.mul_f64(0.5_f64.powf(half_lives))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORK: Duration = Duration::from_millis(20);

    fn origin(tenant: u64, address: u64) -> CheckOrigin {
        CheckOrigin { tenant, address }
    }

    /// A queue of names, and the time.
    struct Harness {
        queue: PasswordCheckQueue<String>,
        now: Instant,
    }

    impl Harness {
        fn new(capacity: usize) -> Self {
            Self { queue: PasswordCheckQueue::new(capacity), now: Instant::now() }
        }

        fn push(&mut self, tenant: u64, address: u64, name: &str) -> Option<String> {
            self.queue.push(origin(tenant, address), false, name.to_owned())
        }

        /// Takes and finishes checks; returns their names. The password "right" is right.
        fn run(&mut self, checks: usize) -> Vec<String> {
            let mut taken = Vec::new();
            for _ in 0..checks {
                let Some((check, running)) = self.queue.take(self.now) else { break };
                self.now += WORK;
                self.queue.finish(&running, (WORK, check == "right"), self.now);
                taken.push(check);
            }
            taken
        }

        /// Adds checks of 39 tenants; returns how many were refused.
        fn flood(&mut self) -> usize {
            let tenants = (0..39 * 20).map(|number| number % 39);
            tenants.filter(|tenant| self.push(*tenant, *tenant, "flood").is_some()).count()
        }
    }

    #[test]
    fn a_flood_at_39_tenants_does_not_delay_a_check_of_the_40th() {
        let mut harness = Harness::new(256);
        assert_eq!(harness.flood(), 39 * 20 - 256);
        for _ in 0..100 {
            // A flooding tenant loses a check for it.
            assert_eq!(harness.push(99, 99, "fair").as_deref(), Some("flood"));
            assert_eq!(harness.run(1), ["fair"]);
            harness.run(80);
            harness.flood();
        }
    }

    /// Two callers at each of 39 tenants try a password as soon as the last one was refused.
    #[test]
    fn a_flood_at_39_tenants_does_not_delay_people_who_sign_in_one_after_another() {
        let mut harness = Harness::new(256);
        for tenant in (0..39).chain(0..39) {
            harness.push(tenant, tenant, &tenant.to_string());
        }
        for _ in 0..200 {
            let [name] = harness.run(1).try_into().expect("one check");
            let tenant = name.parse().expect("a tenant");
            harness.push(tenant, tenant, &name);
            // At half of the speed of an idle server.
            harness.push(99, 99, "right");
            assert_eq!(harness.run(1), ["right"]);
        }
    }

    #[test]
    fn right_passwords_do_not_use_up_the_threads() {
        let mut harness = Harness::new(256);
        for number in 0..200 {
            harness.push(1, 1, "right");
            harness.push(1, number, "right");
        }
        harness.run(100);
        for (number, name) in ["wrong", "wrong again"].into_iter().enumerate() {
            assert_eq!(harness.push(2, 2, name), None, "{number}");
            assert_eq!(harness.run(1), [name]);
        }
    }

    #[test]
    fn a_full_queue_refuses_the_tenant_and_address_with_the_most_checks() {
        let mut harness = Harness::new(4);
        for (tenant, address, name) in [(1, 1, "a"), (1, 2, "b"), (1, 2, "c"), (2, 3, "d")] {
            assert_eq!(harness.push(tenant, address, name), None);
        }
        assert_eq!(harness.push(3, 4, "e").as_deref(), Some("c"));
        assert_eq!(harness.push(1, 9, "f").as_deref(), Some("f"), "the latest of equals");
        assert_eq!(harness.queue.len(), 4);
    }

    #[test]
    fn tenants_and_addresses_take_turns() {
        let mut harness = Harness::new(64);
        for number in 0..8 {
            harness.push(1, 1, "a");
            if number < 3 {
                harness.push(1, 2, "b");
                harness.push(2, 3, "c");
            }
        }
        let taken = harness.run(6);
        let count = |name: &str| taken.iter().filter(|taken| *taken == name).count();
        assert_eq!(count("c"), 3, "half of the checks: {taken:?}");
        assert!(count("b") >= 1 && count("a") >= 1, "{taken:?}");
    }

    #[test]
    fn a_tenant_that_was_idle_does_not_keep_others_waiting_for_long() {
        let mut harness = Harness::new(256);
        for _ in 0..120 {
            harness.push(1, 1, "old");
        }
        harness.run(60);
        for _ in 0..120 {
            harness.push(2, 2, "new");
        }
        let taken = harness.run(100);
        let old = taken.iter().filter(|name| *name == "old").count();
        assert!((20..50).contains(&old), "{old} of {taken:?}");
    }

    #[test]
    fn costly_checks_wait_for_each_other_but_not_the_others_for_them() {
        let mut queue = PasswordCheckQueue::new(8);
        let now = Instant::now();
        for (tenant, is_costly, name) in [(1, true, "a"), (2, true, "b"), (3, false, "c")] {
            queue.push(origin(tenant, tenant), is_costly, name.to_owned());
        }
        let (first, running) = queue.take(now).expect("a check");
        assert_eq!(first, "a");
        assert_eq!(queue.take(now).expect("a check").0, "c");
        assert!(queue.take(now).is_none());
        queue.finish(&running, (WORK, false), now);
        assert_eq!(queue.take(now).expect("a check").0, "b");
    }

    #[test]
    fn old_work_is_forgotten() {
        let mut harness = Harness::new(8);
        for tenant in 0..20_000 {
            harness.push(tenant, tenant, "x");
            harness.run(1);
        }
        assert!(harness.queue.tenants.0.len() <= MAX_ENTRIES);
    }
}
