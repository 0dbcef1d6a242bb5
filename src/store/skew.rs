//! How far a replica's clock is from the store's, which all replicas share.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use crate::model::Timestamp;

/// From there on a replica warns (design §6).
pub const SKEW_WARNS: Duration = Duration::from_secs(10);

/// Milliseconds that this clock is ahead of the store's (negative: behind), by what the store said
/// between two moments of this clock. The journey is taken for the store's favour: only what it
/// cannot explain counts.
pub fn skew(asked: Timestamp, store: Timestamp, answered: Timestamp) -> i64 {
    let (asked, store, answered) = (asked.millis(), store.millis(), answered.millis());
    if store < asked {
        asked.saturating_sub(store)
    } else if store > answered {
        answered.saturating_sub(store)
    } else {
        0
    }
}

/// By how many milliseconds this replica's clock is ahead of the store's, as measured last.
///
/// What replicas compare with moments that others wrote down is compared by the store's clock, so
/// that one whose clock is off decides as the others do. Tokens say the replica's own time: the
/// world outside shares no clock with the store.
#[derive(Debug, Default)]
pub struct ClockAhead(AtomicI64);

impl ClockAhead {
    /// Remembers a measure; the one before.
    pub fn measured(&self, millis: i64) -> i64 {
        self.0.swap(millis, Ordering::SeqCst)
    }

    /// The last measure.
    pub fn millis(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    /// A moment of this replica's clock by the store's.
    pub fn by_the_store(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_millis(now.millis().saturating_sub(self.millis()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn what_the_journey_explains_is_no_skew() {
        assert_eq!(skew(at(1_000), at(1_000), at(4_000)), 0);
        assert_eq!(skew(at(1_000), at(4_000), at(4_000)), 0);
    }

    #[test]
    fn a_moment_by_the_stores_clock_is_without_what_was_measured() {
        let ahead = ClockAhead::default();
        assert_eq!(ahead.by_the_store(at(40_000)), at(40_000), "nothing was measured");
        assert_eq!((ahead.measured(30_000), ahead.measured(-5_000)), (0, 30_000));
        assert_eq!((ahead.millis(), ahead.by_the_store(at(40_000))), (-5_000, at(45_000)));
    }

    #[test]
    fn ahead_is_positive_and_behind_is_negative() {
        assert_eq!(skew(at(31_000), at(1_000), at(31_500)), 30_000);
        assert_eq!(skew(at(1_000), at(31_500), at(1_500)), -30_000);
    }
}
