//! Plans key rotation as a pure function of keys, policy and current time.
//!
//! A key is published, then signs, then is retired. A new key is in the JWKS for `publish_ahead`
//! before it signs. A key with a successor is removed when its last token has expired and `retain`
//! has passed.

use std::time::Duration;

use super::key_secret::KeyTimes;
use crate::model::{RotationPolicy, SigningAlgorithm, Timestamp};

/// Time allowed to create the key, write it and have every replica serve it.
const PROPAGATION_DELAY: Duration = Duration::from_secs(2);

/// A signing key without its private part: ID, algorithm and times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedKey {
    /// The key ID, by which the plan refers to the key.
    pub kid: String,
    /// The algorithm that the key signs with.
    pub algorithm: SigningAlgorithm,
    /// The times at which the key is published, signs and leaves the JWKS.
    pub times: KeyTimes,
}

/// The algorithm and times of a key to generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// The algorithm that the key signs with.
    pub algorithm: SigningAlgorithm,
    /// The times of the new key. `retire_at` is `None`, because it has no successor yet.
    pub times: KeyTimes,
}

/// The changes due now, and the time to plan again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RotationPlan {
    /// The keys to generate now.
    pub generate: Vec<NewKey>,
    /// Keys whose times change, by `kid`.
    pub change: Vec<(String, KeyTimes)>,
    /// `kid`s of keys to remove.
    pub remove: Vec<String>,
    /// The next time something is due, if nothing changes before.
    pub wake: Option<Timestamp>,
}

impl RotationPlan {
    /// Returns true if there is nothing to do now.
    pub fn is_empty(&self) -> bool {
        self.generate.is_empty() && self.change.is_empty() && self.remove.is_empty()
    }
}

/// The inputs of rotation other than keys and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationRules {
    /// Algorithms that need a signing key.
    pub algorithms: Vec<SigningAlgorithm>,
    /// The intervals of rotation: how long a key signs, is published before that, and stays after it.
    pub policy: RotationPolicy,
    /// The longest lifetime of the tokens that these keys sign.
    pub longest_signed: Duration,
}

/// Plans the keys of one tenant.
pub fn plan_rotation(keys: &[PlannedKey], rules: &RotationRules, now: Timestamp) -> RotationPlan {
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
                retire_once(&mut plan, key, removable_at(now, rules), now);
            }
        }
    }
    plan
}

/// The time at which the next key starts to sign: a key that is published already, or the
/// successor of one that signs.
pub fn next_rotation(
    keys: &[PlannedKey],
    rules: &RotationRules,
    now: Timestamp,
) -> Option<Timestamp> {
    let next = |algorithm: &SigningAlgorithm| {
        let own = keys.iter().filter(|key| key.algorithm == *algorithm);
        let last = own.filter(|key| key.times.retire_at.is_none()).max_by_key(|key| order(key))?;
        let from = last.times.signs_from;
        Some(if from > now { from } else { from.plus(rules.policy.interval) })
    };
    rules.algorithms.iter().filter_map(next).min()
}

/// Rotates the keys of one configured algorithm, given oldest first.
fn rotate(
    plan: &mut RotationPlan,
    own: &[&PlannedKey],
    algorithm: SigningAlgorithm,
    rules: &RotationRules,
    (anything_signs, now): (bool, Timestamp),
) {
    let policy = &rules.policy;
    let ahead = policy.publish_ahead + PROPAGATION_DELAY;
    // The last key without a retirement date signs until its successor does.
    let last = own.iter().rfind(|key| key.times.retire_at.is_none());
    let mut successor = None;
    match last {
        Some(last) if last.times.signs_from > now && !anything_signs => {
            // No key signs, so no client can reject this one as unpublished.
            successor = Some(now);
            plan.change.push((last.kid.clone(), KeyTimes { signs_from: now, ..last.times }));
        }
        Some(last) => {
            let due = last.times.signs_from.plus(policy.interval);
            if due.minus(ahead) <= now {
                let signs_from = due.max(now.plus(ahead));
                successor = Some(signs_from);
                plan.generate.push(new_key(algorithm, now, signs_from));
                retire(plan, last, removable_at(signs_from, rules), now);
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
        // The successor is the next key of the algorithm. If lifetimes grew, the key stays longer.
        let next = own
            .iter()
            .find(|other| order(other) > order(key))
            .map(|other| other.times.signs_from)
            .or(successor);
        retire(plan, key, removable_at(next.unwrap_or(key.times.signs_from), rules), now);
    }
}

/// The sort order in which keys succeed each other.
fn order(key: &PlannedKey) -> (Timestamp, &str) {
    (key.times.signs_from, &key.kid)
}

/// Returns when a key can be removed whose successor signs from `from`.
fn removable_at(from: Timestamp, rules: &RotationRules) -> Timestamp {
    from.plus(rules.longest_signed + rules.policy.retain)
}

fn new_key(algorithm: SigningAlgorithm, now: Timestamp, signs_from: Timestamp) -> NewKey {
    NewKey { algorithm, times: KeyTimes { published_at: now, signs_from, retire_at: None } }
}

/// Retires a key at `at`, or later if it already has a later date.
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

/// Retires a key of an algorithm that is no longer configured. The date is set once and never
/// changed.
fn retire_once(plan: &mut RotationPlan, key: &PlannedKey, at: Timestamp, now: Timestamp) {
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
