//! A budget of attempts or requests that refills slowly and that no success refills.

use std::time::Duration;

use crate::model::Timestamp;

/// The parameters of a budget: at most `burst` uses at once, and one more each `refill`. Its state is the
/// time at which the whole budget is available again (the generic cell rate algorithm).
#[derive(Clone, Copy, Debug)]
pub struct RefillingBudget {
    /// The number of uses of a full budget.
    pub burst: u32,
    /// The time in which one use is added.
    pub refill: Duration,
}

impl RefillingBudget {
    /// Returns the time until the next use is allowed, rounded up to whole seconds. `whole_at` is `None` for
    /// a full budget.
    pub fn wait_time(&self, whole_at: Option<Timestamp>, now: Timestamp) -> Duration {
        let size = self.refill.saturating_mul(self.burst);
        let spent = whole_at.map_or(Duration::ZERO, |whole_at| whole_at.since(now));
        let exact = spent.saturating_add(self.refill).saturating_sub(size);
        let seconds = exact.as_secs() + u64::from(exact.subsec_nanos() > 0);
        // Limited, in case the clock was set back.
        Duration::from_secs(seconds).min(self.refill)
    }

    /// Returns the state after one more use.
    pub fn spend(&self, whole_at: Option<Timestamp>, now: Timestamp) -> Timestamp {
        whole_at.map_or(now, |whole_at| whole_at.max(now)).plus(self.refill)
    }

    /// Returns the state after one use was returned.
    pub fn give_back(&self, whole_at: Timestamp) -> Timestamp {
        whole_at.minus(self.refill)
    }

    /// The number of uses that the budget allows within a time.
    pub fn uses_within(&self, time: Duration) -> u64 {
        u64::from(self.burst) + time.as_secs() / self.refill.as_secs().max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);
    const HOUR: Duration = Duration::from_hours(1);
    const BUDGET: RefillingBudget = RefillingBudget { burst: 3, refill: HOUR };

    /// The number of guesses that are allowed at a time, and the state after them.
    fn guess_all(mut whole_at: Option<Timestamp>, now: Timestamp) -> (u32, Option<Timestamp>) {
        let mut count = 0;
        while BUDGET.wait_time(whole_at, now).is_zero() {
            whole_at = Some(BUDGET.spend(whole_at, now));
            count += 1;
        }
        (count, whole_at)
    }

    #[test]
    fn a_budget_refills_one_guess_at_a_time() {
        let (count, spent) = guess_all(None, NOW);
        assert_eq!(count, 3);
        assert_eq!(BUDGET.wait_time(spent, NOW), HOUR);
        let half = NOW.plus(HOUR / 2);
        assert_eq!(BUDGET.wait_time(spent, half), HOUR / 2);
        let (count, spent) = guess_all(spent, NOW.plus(HOUR));
        assert_eq!(count, 1);
        assert_eq!(guess_all(spent, NOW.plus(100 * HOUR)).0, 3, "no more than a full budget");
    }

    #[test]
    fn a_right_guess_leaves_the_budget_unchanged() {
        let (_, spent) = guess_all(None, NOW);
        let later = NOW.plus(HOUR);
        let right = BUDGET.give_back(BUDGET.spend(spent, later));
        assert_eq!(Some(right), spent);
        assert_eq!(guess_all(Some(right), later).0, 1);
    }

    #[test]
    fn a_clock_that_was_set_back_delays_by_an_hour_at_most() {
        let (_, spent) = guess_all(None, NOW);
        assert_eq!(BUDGET.wait_time(spent, NOW.minus(100 * HOUR)), HOUR);
    }

    #[test]
    fn the_number_of_guesses_is_bounded() {
        assert_eq!(BUDGET.uses_within(100 * HOUR), 103);
    }
}
