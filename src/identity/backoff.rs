//! Counting failures: how long one waits after them.

use std::time::Duration;

use crate::model::Timestamp;

/// How failures turn into waiting.
#[derive(Clone, Copy)]
pub(super) struct BackoffPolicy {
    /// Failures without waiting.
    pub free: u32,
    /// Waiting after the last of those; doubles with each failure more.
    pub first: Duration,
    /// The most.
    pub most: Duration,
    /// After this long without an attempt, counting starts anew.
    pub forget: Duration,
}

/// Failures so far.
#[derive(Clone, Copy)]
pub(super) struct BackoffCounter {
    failures: u32,
    last: Timestamp,
    wait_until: Timestamp,
}

impl BackoffCounter {
    /// As if the latest failure had not been.
    pub(super) fn one_less(self) -> Self {
        Self { failures: self.failures.saturating_sub(1), wait_until: self.last, ..self }
    }
}

impl BackoffPolicy {
    /// How long to wait before the next attempt, in whole seconds: what people and `Retry-After`
    /// are told is then long enough.
    pub(super) fn wait(&self, count: Option<BackoffCounter>, now: Timestamp) -> Duration {
        // Requests that come together are counted in another order than they came: nobody waits for
        // the moment of one that waits for nothing.
        let waits = count.filter(|count| count.wait_until > count.last);
        // Bounded, for clocks that were set back.
        let exact = waits.map_or(Duration::ZERO, |count| count.wait_until.since(now));
        let seconds = exact.as_secs() + u64::from(exact.subsec_nanos() > 0);
        Duration::from_secs(seconds).min(self.most)
    }

    /// The count after one failure more.
    pub(super) fn after_failure(
        &self,
        count: Option<BackoffCounter>,
        now: Timestamp,
    ) -> BackoffCounter {
        let before = count.filter(|count| now.since(count.last) < self.forget);
        let failures = before.map_or(0, |count| count.failures).saturating_add(1);
        let delay = match failures.checked_sub(self.free) {
            None => Duration::ZERO,
            Some(over) => self.first.saturating_mul(2u32.saturating_pow(over)).min(self.most),
        };
        BackoffCounter { failures, last: now, wait_until: now.plus(delay) }
    }
}
