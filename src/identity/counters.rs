//! Counting failures: how long one waits after them, and a map that forgets the oldest.

use std::{collections::HashMap, time::Duration};

use crate::model::Timestamp;

/// How failures turn into waiting.
#[derive(Clone, Copy)]
pub(super) struct Policy {
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
pub(super) struct Count {
    failures: u32,
    last: Timestamp,
    wait_until: Timestamp,
}

impl Count {
    /// As if the latest failure had not been.
    pub(super) fn one_less(self) -> Self {
        Self { failures: self.failures.saturating_sub(1), wait_until: self.last, ..self }
    }
}

impl Policy {
    /// How long to wait before the next attempt, in whole seconds: what people and `Retry-After`
    /// are told is then long enough.
    pub(super) fn wait(&self, count: Option<Count>, now: Timestamp) -> Duration {
        // Requests that come together are counted in another order than they came: nobody waits for
        // the moment of one that waits for nothing.
        let waits = count.filter(|count| count.wait_until > count.last);
        // Bounded, for clocks that were set back.
        let exact = waits.map_or(Duration::ZERO, |count| count.wait_until.since(now));
        let seconds = exact.as_secs() + u64::from(exact.subsec_nanos() > 0);
        Duration::from_secs(seconds).min(self.most)
    }

    /// The count after one failure more.
    pub(super) fn after_failure(&self, count: Option<Count>, now: Timestamp) -> Count {
        let before = count.filter(|count| now.since(count.last) < self.forget);
        let failures = before.map_or(0, |count| count.failures).saturating_add(1);
        let delay = match failures.checked_sub(self.free) {
            None => Duration::ZERO,
            Some(over) => self.first.saturating_mul(2u32.saturating_pow(over)).min(self.most),
        };
        Count { failures, last: now, wait_until: now.plus(delay) }
    }
}

/// A map of bounded size: when the young half is full, it becomes the old half, and what the old
/// half held is forgotten. What is written stays for at least half the capacity of other writes.
pub(super) struct Recent<V> {
    half: usize,
    young: HashMap<u64, V>,
    old: HashMap<u64, V>,
}

impl<V: Copy> Recent<V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { half: (capacity / 2).max(1), young: HashMap::new(), old: HashMap::new() }
    }

    pub(super) fn get(&self, key: u64) -> Option<V> {
        self.young.get(&key).or_else(|| self.old.get(&key)).copied()
    }

    pub(super) fn put(&mut self, key: u64, value: V) {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    pub(super) fn remove(&mut self, key: u64) {
        self.young.remove(&key);
        self.old.remove(&key);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}
