//! Limits how often an address may act on a tenant, in bounded memory.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::Mutex,
    time::Duration,
};

use crate::model::{BoundedCache, TenantId, Timestamp, throttle_prefix};

/// Most counters: one for each address within a tenant and one for each tenant, by kind of request.
const MAX_ENTRIES: usize = 50_000;
/// The limit of a whole tenant, as a multiple of the limit of one address.
const REQUESTS_PER_ADDRESS: u32 = 10;

/// The kind of request that is limited. Each kind has its own counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateLimitClass {
    /// Requests that create something, such as a client, or the mail with a password reset link.
    New,
    /// Requests that change something that the caller created.
    Own,
}

/// Allows a number of requests per minute for each address within a tenant, and ten times as many
/// for the tenant, so that using many addresses cannot evade the limit. Each replica counts
/// separately.
pub struct RateLimiter {
    hasher: RandomState,
    /// The time at which each counter is back at its full allowance.
    whole_at: Mutex<BoundedCache<u64, Timestamp>>,
}

impl Default for RateLimiter {
    fn default() -> Self {
        Self { hasher: RandomState::new(), whole_at: Mutex::new(BoundedCache::new(MAX_ENTRIES)) }
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter").finish_non_exhaustive()
    }
}

impl RateLimiter {
    /// Takes one of `per_minute` requests, or returns how long to wait.
    pub fn admit(
        &self,
        (tenant, allowance): (&TenantId, RateLimitClass),
        address: IpAddr,
        per_minute: u32,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let of_address = self.hasher.hash_one((tenant, allowance, Some(throttle_prefix(address))));
        let of_tenant = self.hasher.hash_one((tenant, allowance, None::<IpAddr>));
        let mut table = self.whole_at.lock().expect("no holder of the lock panics");
        let mut taken = Vec::with_capacity(2);
        for (key, rate) in
            [(of_address, per_minute), (of_tenant, per_minute.saturating_mul(REQUESTS_PER_ADDRESS))]
        {
            let next = take(table.peek(&key).copied(), rate, now)?;
            taken.push((key, next));
        }
        for (key, next) in taken {
            table.put(key, next);
        }
        Ok(())
    }
}

/// A token bucket of `rate` tokens that refills in a minute. Its state is the time at which it is
/// full.
fn take(full_at: Option<Timestamp>, rate: u32, now: Timestamp) -> Result<Timestamp, Duration> {
    let minute = Duration::from_mins(1);
    let one = minute / rate.max(1);
    let missing = full_at.map_or(Duration::ZERO, |at| at.since(now));
    let after = missing + one;
    if after <= minute {
        return Ok(now.plus(after));
    }
    // Round up to whole seconds, so that `Retry-After` is long enough.
    let wait = after.saturating_sub(minute);
    Err(Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn admitted(limiter: &RateLimiter, tenant: &str, last: u8, now: Timestamp) -> bool {
        let tenant = TenantId::new("team", tenant);
        limiter.admit((&tenant, RateLimitClass::New), address(last), 3, now).is_ok()
    }

    #[test]
    fn an_address_has_an_allowance_that_refills() {
        let limiter = RateLimiter::default();
        for _ in 0..3 {
            assert!(admitted(&limiter, "a", 1, NOW));
        }
        assert!(!admitted(&limiter, "a", 1, NOW));
        assert!(admitted(&limiter, "a", 2, NOW), "another address");
        assert!(admitted(&limiter, "b", 1, NOW), "another tenant");
        let tenant = TenantId::new("team", "a");
        let wait = limiter.admit((&tenant, RateLimitClass::New), address(1), 3, NOW);
        let wait = wait.expect_err("it has to wait");
        assert_eq!(wait, Duration::from_secs(20));
        assert!(admitted(&limiter, "a", 1, NOW.plus(wait)));
        assert!(!admitted(&limiter, "a", 1, NOW.plus(wait)));
    }

    #[test]
    fn registration_quota_is_separate_from_management_quota() {
        let limiter = RateLimiter::default();
        for last in 0..100 {
            admitted(&limiter, "a", last, NOW);
        }
        let tenant = TenantId::new("team", "a");
        assert!(!admitted(&limiter, "a", 200, NOW));
        assert_eq!(limiter.admit((&tenant, RateLimitClass::Own), address(1), 3, NOW), Ok(()));
    }

    #[test]
    fn many_addresses_cannot_evade_the_limit() {
        let limiter = RateLimiter::default();
        let admitted = (0..100).filter(|last| admitted(&limiter, "a", *last, NOW)).count();
        assert_eq!(admitted, 30);
    }
}
