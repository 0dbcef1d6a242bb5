//! Leader election as a state machine. Time is an argument: `MonotonicTime`s of a clock that never goes
//! back, beside the wall clock that only people read.

use std::time::Duration;

use super::{LeaseRecord, LeaseTiming, SeenLease};
use crate::model::Timestamp;

/// Time since some moment in the past, on a clock that never goes back.
pub type MonotonicTime = Duration;

/// What to do about the Lease now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElectionStep {
    /// Nothing: somebody else leads.
    Stand,
    /// Create it.
    Create(LeaseRecord),
    /// Replace it at this version.
    Replace(LeaseRecord, String),
}

/// One candidate.
#[derive(Clone, Debug)]
pub struct LeaderElector {
    identity: String,
    timing: LeaseTiming,
    /// The Lease as last seen, and since when it has said so. Expiry counts from the change that
    /// was seen here, as client-go does, so that no two clocks are ever compared.
    observed: Option<(SeenLease, MonotonicTime)>,
    /// When the last renewal that succeeded was *sent*.
    renewed: Option<MonotonicTime>,
}

impl LeaderElector {
    /// A candidate that knows nothing yet.
    pub const fn new(identity: String, timing: LeaseTiming) -> Self {
        Self { identity, timing, observed: None, renewed: None }
    }

    /// Takes note of the Lease as read.
    pub fn observe(&mut self, seen: Option<SeenLease>, now: MonotonicTime) {
        let since = match (&self.observed, &seen) {
            (Some((before, since)), Some(seen)) if before.record == seen.record => *since,
            _ => now,
        };
        if seen.as_ref().is_none_or(|seen| !self.holds(&seen.record)) {
            self.renewed = None;
        }
        self.observed = seen.map(|seen| (seen, since));
    }

    /// What to try. `wall` goes into the record.
    pub fn propose(&self, now: MonotonicTime, wall: Timestamp) -> ElectionStep {
        let Some((seen, since)) = &self.observed else {
            return ElectionStep::Create(self.record(wall, None));
        };
        let held_by_another = seen.record.holder.is_some() && !self.holds(&seen.record);
        if held_by_another && now < *since + seen.record.duration {
            return ElectionStep::Stand;
        }
        ElectionStep::Replace(self.record(wall, Some(&seen.record)), seen.version.clone())
    }

    /// Takes note of a proposal that was accepted, which was sent at `sent`.
    pub fn accepted(&mut self, seen: SeenLease, sent: MonotonicTime) {
        self.renewed = Some(sent);
        self.observed = Some((seen, sent));
    }

    /// Until when this candidate leads unless it renews; `None` while it does not lead. Counted
    /// from before the renewal was sent, so that it is over before anybody else counts it so.
    pub fn leads_until(&self) -> Option<MonotonicTime> {
        self.renewed.map(|sent| sent + self.timing.renew_deadline)
    }

    /// Whether it leads.
    pub fn leads(&self, now: MonotonicTime) -> bool {
        self.leads_until().is_some_and(|until| now < until)
    }

    /// Whether the Lease was this candidate's when it was last seen, renewed in time or not.
    pub const fn held_last(&self) -> bool {
        self.renewed.is_some()
    }

    /// Gives the Lease up: what to write, if it is ours. The candidate leads no longer.
    pub fn release(&mut self, wall: Timestamp) -> Option<(LeaseRecord, String)> {
        self.renewed.take()?;
        let (seen, _) = self.observed.take()?;
        let record = LeaseRecord {
            holder: None,
            duration: Duration::from_secs(1),
            acquired: Some(time(wall)),
            renewed: Some(time(wall)),
            transitions: seen.record.transitions,
        };
        Some((record, seen.version))
    }

    fn holds(&self, record: &LeaseRecord) -> bool {
        record.holder.as_ref() == Some(&self.identity)
    }

    /// The record in which this candidate leads, after `before`.
    fn record(&self, wall: Timestamp, before: Option<&LeaseRecord>) -> LeaseRecord {
        let ours = before.is_some_and(|before| self.holds(before));
        let transitions = before.map_or(0, |before| before.transitions);
        let since = before.filter(|_| ours).and_then(|before| before.acquired);
        LeaseRecord {
            holder: Some(self.identity.clone()),
            duration: self.timing.lease,
            acquired: Some(since.unwrap_or_else(|| time(wall))),
            renewed: Some(time(wall)),
            transitions: if before.is_none() || ours {
                transitions
            } else {
                transitions.saturating_add(1)
            },
        }
    }
}

fn time(wall: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(wall.millis()).unwrap_or(jiff::Timestamp::MAX)
}
