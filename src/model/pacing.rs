//! Pauses between runs of work that grows with the number of objects. Pure.

use std::time::Duration;

/// The pause, in lengths of the work: continuous changes cost at most a ninth of a core.
const PAUSE_FACTOR: u32 = 8;
/// Maximum pause, so that a change waits shortly in installations of any size.
const MAX_PAUSE: Duration = Duration::from_millis(500);

/// The pause after work that took `took` and that each change of an object repeats. At least
/// `shortest`.
pub fn pause_after(took: Duration, shortest: Duration) -> Duration {
    took.saturating_mul(PAUSE_FACTOR).min(MAX_PAUSE).max(shortest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continuous_work_takes_a_ninth_of_a_core_and_no_change_waits_long() {
        let (milli, shortest) = (Duration::from_millis, Duration::from_millis(20));
        for (took, pause) in [(0, 20), (1, 20), (10, 80), (50, 400), (900, 500)] {
            assert_eq!(pause_after(milli(took), shortest), milli(pause), "{took}");
        }
    }
}
