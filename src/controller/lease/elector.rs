//! Leader election as a state machine. Time is an argument: a monotonic time for decisions, and the
//! wall clock for the informational times in the Lease.

use std::time::Duration;

use super::{LeaseRecord, LeaseTiming, ObservedLease};
use crate::model::Timestamp;

/// Time on a monotonic clock, because an arbitrary start.
pub type MonotonicTime = Duration;

/// The next step of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElectionStep {
    /// Do nothing, because another replica leads.
    Stand,
    /// Create the Lease, which does not exist yet.
    Create(LeaseRecord),
    /// Replace the Lease at this resourceVersion.
    Replace(LeaseRecord, String),
}

/// The state of one candidate.
#[derive(Clone, Debug)]
pub struct LeaderElector {
    identity: String,
    timing: LeaseTiming,
    /// The Lease as last read, and when its content last changed. As in client-go, expiry is
    /// counted from the observed change, so that clocks of different replicas are never compared.
    observed: Option<(ObservedLease, MonotonicTime)>,
    /// When the last successful renewal was *sent*.
    renewed: Option<MonotonicTime>,
}

impl LeaderElector {
    /// Creates a candidate that has not read the Lease yet.
    pub const fn new(identity: String, timing: LeaseTiming) -> Self {
        Self { identity, timing, observed: None, renewed: None }
    }

    /// Records the Lease as read at `now`; `None` if it does not exist.
    pub fn observe(&mut self, seen: Option<ObservedLease>, now: MonotonicTime) {
        let since = match (&self.observed, &seen) {
            (Some((before, since)), Some(seen)) if before.record == seen.record => *since,
            _ => now,
        };
        if seen.as_ref().is_none_or(|seen| !self.holds(&seen.record)) {
            self.renewed = None;
        }
        self.observed = seen.map(|seen| (seen, since));
    }

    /// The next step. `wall` is written to the record.
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

    /// Records a write that succeeded and was sent at `sent`.
    pub fn accepted(&mut self, seen: ObservedLease, sent: MonotonicTime) {
        self.renewed = Some(sent);
        self.observed = Some((seen, sent));
    }

    /// The time at which leadership ends without a renewal; `None` if this candidate does not lead.
    /// Counted from when the renewal was sent, so that it ends before other replicas consider the
    /// Lease expired.
    pub fn leads_until(&self) -> Option<MonotonicTime> {
        self.renewed.map(|sent| sent + self.timing.renew_deadline)
    }

    /// Returns true if this candidate leads at `now`.
    pub fn leads(&self, now: MonotonicTime) -> bool {
        self.leads_until().is_some_and(|until| now < until)
    }

    /// Returns true if this candidate held the Lease when it was last read, even if it has expired.
    pub const fn held_last(&self) -> bool {
        self.renewed.is_some()
    }

    /// Gives up leadership. Returns the write that releases the Lease if this candidate holds it.
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

    /// The record that makes this candidate the holder, following `before`.
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
