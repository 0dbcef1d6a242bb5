//! How far a replica's clock is from the store's, which all replicas share.

use std::time::Duration;

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
    fn ahead_is_positive_and_behind_is_negative() {
        assert_eq!(skew(at(31_000), at(1_000), at(31_500)), 30_000);
        assert_eq!(skew(at(1_000), at(31_500), at(1_500)), -30_000);
    }
}
