//! The difference between a replica's clock and the store's clock, which all replicas share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use crate::model::{Clock, Timestamp};

/// Skew from which a replica logs a warning.
pub const SKEW_WARNING: Duration = Duration::from_secs(10);

/// Milliseconds by which this clock is ahead of the store's (negative: behind). `sent` and
/// `received` are this clock's times of the call and of its response. The round trip is counted in
/// the store's favour: only a difference that it cannot explain is skew.
pub fn clock_skew(sent: Timestamp, store: Timestamp, received: Timestamp) -> i64 {
    let (sent, store, received) = (sent.millis(), store.millis(), received.millis());
    if store < sent {
        sent.saturating_sub(store)
    } else if store > received {
        received.saturating_sub(store)
    } else {
        0
    }
}

/// The store's clock, computed from this replica's clock and the skew measured last.
///
/// Times that other replicas wrote (when a key begins to sign, when a refresh token was used) are compared with
/// this clock. A replica with a wrong clock therefore decides as the others do. Tokens contain the replica's own
/// time, because resource servers do not share a clock with the store.
#[derive(Debug)]
pub struct StoreClock {
    own: Arc<dyn Clock>,
    /// Milliseconds that this replica's clock is ahead, as measured last.
    ahead: AtomicI64,
}

impl StoreClock {
    /// A clock equal to the replica's own until the first measurement.
    pub fn new(own: Arc<dyn Clock>) -> Self {
        Self { own, ahead: AtomicI64::new(0) }
    }

    /// Stores the milliseconds that this replica's clock is ahead, and returns the previous value.
    pub fn measured(&self, millis: i64) -> i64 {
        self.ahead.swap(millis, Ordering::SeqCst)
    }

    /// Milliseconds that this replica's clock is ahead, as measured last.
    pub fn own_is_ahead(&self) -> i64 {
        self.ahead.load(Ordering::SeqCst)
    }

    /// Converts a moment of this replica's clock to the store's clock.
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
    fn round_trip_time_is_not_skew() {
        assert_eq!(clock_skew(at(1_000), at(1_000), at(4_000)), 0);
        assert_eq!(clock_skew(at(1_000), at(4_000), at(4_000)), 0);
    }

    #[test]
    fn returns_own_time_before_a_measurement() {
        let clock = StoreClock::new(Arc::new(FixedClock::at(at(40_000))));
        assert_eq!(clock.now(), at(40_000), "nothing was measured");
        assert_eq!((clock.measured(30_000), clock.measured(-5_000)), (0, 30_000));
        assert_eq!((clock.own_is_ahead(), clock.now()), (-5_000, at(45_000)));
        assert_eq!(clock.at(at(1_000)), at(6_000));
    }

    #[test]
    fn ahead_is_positive_and_behind_is_negative() {
        assert_eq!(clock_skew(at(31_000), at(1_000), at(31_500)), 30_000);
        assert_eq!(clock_skew(at(1_000), at(31_500), at(1_500)), -30_000);
    }
}
