//! Exponential backoff after failed attempts.

use std::time::Duration;

use crate::model::Timestamp;

/// The parameters of a backoff.
#[derive(Clone, Copy, Debug)]
pub struct BackoffPolicy {
    /// The number of the first failure that causes a wait. Earlier ones cause none.
    pub free: u32,
    /// The wait after that failure. It doubles with each further failure.
    pub first: Duration,
    /// The longest wait.
    pub max_delay: Duration,
    /// Time since the last failure after which the count begins again.
    pub forget: Duration,
}

/// The failures counted so far.
#[derive(Clone, Copy, Debug)]
pub struct BackoffCounter {
    /// The number of failures in a row, without those that were forgotten.
    pub failures: u32,
    /// The time of the last failure.
    pub last: Timestamp,
    /// The time at which the next attempt is allowed; that of the last failure if it caused no wait.
    pub wait_until: Timestamp,
}

impl BackoffCounter {
    /// Takes back the last failure.
    pub(super) fn one_less(self) -> Self {
        Self { failures: self.failures.saturating_sub(1), wait_until: self.last, ..self }
    }
}

impl BackoffPolicy {
    /// Admits an attempt and returns the count with it as a failure, or returns the time until the next attempt is
    /// allowed.
    pub(super) fn admit(
        &self,
        count: Option<BackoffCounter>,
        now: Timestamp,
    ) -> Result<BackoffCounter, Duration> {
        let wait = self.wait_time(count, now);
        if wait.is_zero() { Ok(self.after_failure(count, now)) } else { Err(wait) }
    }

    /// Returns the time until the next attempt is allowed, rounded up to whole seconds so that the
    /// wait shown to users and in `Retry-After` is long enough.
    pub fn wait_time(&self, count: Option<BackoffCounter>, now: Timestamp) -> Duration {
        // Concurrent attempts may be recorded out of order. Only wait if the previous attempt
        // itself caused a wait.
        let waits = count.filter(|count| count.wait_until > count.last);
        // Limited to the maximum, in case the clock was set back.
        let exact = waits.map_or(Duration::ZERO, |count| count.wait_until.since(now));
        let seconds = exact.as_secs() + u64::from(exact.subsec_nanos() > 0);
        Duration::from_secs(seconds).min(self.max_delay)
    }

    /// Returns the count after one more failure.
    pub fn after_failure(&self, count: Option<BackoffCounter>, now: Timestamp) -> BackoffCounter {
        let before = count.filter(|count| now.since(count.last) < self.forget);
        let failures = before.map_or(0, |count| count.failures).saturating_add(1);
        let delay = match failures.checked_sub(self.free) {
            None => Duration::ZERO,
            Some(over) => self.first.saturating_mul(2u32.saturating_pow(over)).min(self.max_delay),
        };
        BackoffCounter { failures, last: now, wait_until: now.plus(delay) }
    }
}
