//! How far a replica's clock is from the store's, which all replicas share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use crate::model::{Clock, Timestamp};

/// From there on a replica warns (design §6).
pub const SKEW_WARNING: Duration = Duration::from_secs(10);

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

/// The store's clock, which all replicas share, as far as this replica's own tells it.
///
/// What replicas compare with moments that others wrote down (when a key begins to sign, when a
/// refresh token was used) is compared by it, so that one whose own clock is off decides as the
/// others do. Tokens say the replica's own time: the world outside shares no clock with the store.
#[derive(Debug)]
pub struct StoreClock {
    own: Arc<dyn Clock>,
    /// Milliseconds that the own clock is ahead, as measured last.
    ahead: AtomicI64,
}

impl StoreClock {
    /// The same as the replica's own clock, until they were compared.
    pub fn new(own: Arc<dyn Clock>) -> Self {
        Self { own, ahead: AtomicI64::new(0) }
    }

    /// Remembers by how many milliseconds the own clock is ahead; what was measured before.
    pub fn measured(&self, millis: i64) -> i64 {
        self.ahead.swap(millis, Ordering::SeqCst)
    }

    /// By how many milliseconds the own clock is ahead, as measured last.
    pub fn own_is_ahead(&self) -> i64 {
        self.ahead.load(Ordering::SeqCst)
    }

    /// What it shows at a moment of the own clock.
    pub fn at(&self, own: Timestamp) -> Timestamp {
        Timestamp::from_millis(own.millis().saturating_sub(self.own_is_ahead()))
    }
}

impl Clock for StoreClock {
    fn now(&self) -> Timestamp {
        self.at(self.own.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FixedClock;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn what_the_journey_explains_is_no_skew() {
        assert_eq!(skew(at(1_000), at(1_000), at(4_000)), 0);
        assert_eq!(skew(at(1_000), at(4_000), at(4_000)), 0);
    }

    #[test]
    fn shows_the_own_time_without_what_was_measured() {
        let clock = StoreClock::new(Arc::new(FixedClock::at(at(40_000))));
        assert_eq!(clock.now(), at(40_000), "nothing was measured");
        assert_eq!((clock.measured(30_000), clock.measured(-5_000)), (0, 30_000));
        assert_eq!((clock.own_is_ahead(), clock.now()), (-5_000, at(45_000)));
        assert_eq!(clock.at(at(1_000)), at(6_000));
    }

    #[test]
    fn ahead_is_positive_and_behind_is_negative() {
        assert_eq!(skew(at(31_000), at(1_000), at(31_500)), 30_000);
        assert_eq!(skew(at(1_000), at(31_500), at(1_500)), -30_000);
    }
}
