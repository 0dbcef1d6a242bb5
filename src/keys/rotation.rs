//! Rotation as a plan: keys, policy, now → changes, and when to look again (design §5).
//!
//! publish → sign → retire: a new key stands in JWKS for `publish_ahead` before it signs; a key
//! that has a successor leaves when its last token has expired and `retain` has passed.

use std::time::Duration;

use super::key_secret::KeyTimes;
use crate::model::{RotationPolicy, SigningAlgorithm, Timestamp};

/// From a plan until every replica shows the key: making it, writing it, the watch, a rebuild.
const PROPAGATION_DELAY: Duration = Duration::from_secs(2);

/// What the plan needs to know of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedKey {
    /// `kid`.
    pub kid: String,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// Its times.
    pub times: KeyTimes,
}

/// A key to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// What it is to sign with.
    pub algorithm: SigningAlgorithm,
    /// Its times.
    pub times: KeyTimes,
}

/// What to do, and when to look again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RotationPlan {
    /// Keys to make.
    pub generate: Vec<NewKey>,
    /// Keys whose times change.
    pub change: Vec<(String, KeyTimes)>,
    /// Keys to remove.
    pub remove: Vec<String>,
    /// When something will be due, if nothing changes before.
    pub wake: Option<Timestamp>,
}

impl RotationPlan {
    /// Whether there is nothing to do now.
    pub fn is_empty(&self) -> bool {
        self.generate.is_empty() && self.change.is_empty() && self.remove.is_empty()
    }
}

/// What rotation goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationRules {
    /// Algorithms to keep keys for.
    pub algorithms: Vec<SigningAlgorithm>,
    /// Intervals.
    pub policy: RotationPolicy,
    /// The longest that a token lives that these keys sign.
    pub longest_signed: Duration,
}

/// Plans the keys of one tenant.
pub fn plan(keys: &[PlannedKey], rules: &RotationRules, now: Timestamp) -> RotationPlan {
    let mut plan = RotationPlan::default();
    let signs_now = |key: &PlannedKey| {
        key.times.signs_from <= now && key.times.retire_at.is_none_or(|at| at > now)
    };
    let anything_signs =
        keys.iter().any(|key| rules.algorithms.contains(&key.algorithm) && signs_now(key));
    for algorithm in SigningAlgorithm::ALL {
        let mut own: Vec<&PlannedKey> =
            keys.iter().filter(|key| key.algorithm == algorithm).collect();
        own.sort_by(|a, b| order(a).cmp(&order(b)));
        if rules.algorithms.contains(&algorithm) {
            rotate(&mut plan, &own, algorithm, rules, (anything_signs, now));
        } else {
            for key in own {
                dismiss(&mut plan, key, leaves(now, rules), now);
            }
        }
    }
    plan
}

/// The keys of one listed algorithm, oldest first.
fn rotate(
    plan: &mut RotationPlan,
    own: &[&PlannedKey],
    algorithm: SigningAlgorithm,
    rules: &RotationRules,
    (anything_signs, now): (bool, Timestamp),
) {
    let policy = &rules.policy;
    let ahead = policy.publish_ahead + PROPAGATION_DELAY;
    // The last key that is not on its way out carries the algorithm on.
    let last = own.iter().rfind(|key| key.times.retire_at.is_none());
    let mut successor = None;
    match last {
        Some(last) if last.times.signs_from > now && !anything_signs => {
            // Nothing signs, so there is nobody to whom this key would come as a surprise.
            successor = Some(now);
            plan.change.push((last.kid.clone(), KeyTimes { signs_from: now, ..last.times }));
        }
        Some(last) => {
            let due = last.times.signs_from.plus(policy.interval);
            if due.minus(ahead) <= now {
                let signs_from = due.max(now.plus(ahead));
                successor = Some(signs_from);
                plan.generate.push(new_key(algorithm, now, signs_from));
                retire(plan, last, leaves(signs_from, rules), now);
            } else {
                wake(plan, due.minus(ahead));
            }
            if last.times.signs_from > now {
                wake(plan, last.times.signs_from);
            }
        }
        None => {
            let signs_from = if anything_signs { now.plus(ahead) } else { now };
            successor = Some(signs_from);
            plan.generate.push(new_key(algorithm, now, signs_from));
        }
    }
    if let Some(at) = successor {
        wake(plan, if at > now { at } else { at.plus(policy.interval).minus(ahead) });
    }
    let outgoing = own.iter().filter(|key| last.is_none_or(|last| last.kid != key.kid));
    for key in outgoing {
        // Its successor is the next of the same algorithm; lifetimes that grew keep it longer.
        let next = own
            .iter()
            .find(|other| order(other) > order(key))
            .map(|other| other.times.signs_from)
            .or(successor);
        retire(plan, key, leaves(next.unwrap_or(key.times.signs_from), rules), now);
    }
}

/// Keys succeed each other in this order.
fn order(key: &PlannedKey) -> (Timestamp, &str) {
    (key.times.signs_from, &key.kid)
}

/// When a key leaves whose successor signs from `from`.
fn leaves(from: Timestamp, rules: &RotationRules) -> Timestamp {
    from.plus(rules.longest_signed + rules.policy.retain)
}

fn new_key(algorithm: SigningAlgorithm, now: Timestamp, signs_from: Timestamp) -> NewKey {
    NewKey { algorithm, times: KeyTimes { published_at: now, signs_from, retire_at: None } }
}

/// Sees that a key leaves at `at`, and no sooner than the time it was once given.
fn retire(plan: &mut RotationPlan, key: &PlannedKey, at: Timestamp, now: Timestamp) {
    match key.times.retire_at {
        Some(set) if set <= now && at <= now => plan.remove.push(key.kid.clone()),
        Some(set) if set >= at => wake(plan, set),
        _ => {
            plan.change.push((key.kid.clone(), KeyTimes { retire_at: Some(at), ..key.times }));
            wake(plan, at);
        }
    }
}

/// Sees that a key of an algorithm that is no longer listed leaves: dated once, never again.
fn dismiss(plan: &mut RotationPlan, key: &PlannedKey, at: Timestamp, now: Timestamp) {
    match key.times.retire_at {
        Some(set) if set <= now => plan.remove.push(key.kid.clone()),
        Some(set) => wake(plan, set),
        None => retire(plan, key, at, now),
    }
}

fn wake(plan: &mut RotationPlan, at: Timestamp) {
    plan.wake = Some(plan.wake.map_or(at, |other| other.min(at)));
}

#[cfg(test)]
mod tests;
