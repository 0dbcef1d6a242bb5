use proptest::prelude::*;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn rules() -> RotationRules {
    RotationRules {
        algorithms: vec![SigningAlgorithm::RS256],
        policy: RotationPolicy { interval: 90 * DAY, publish_ahead: DAY, retain: DAY },
        longest_signed: HOUR,
    }
}

fn start() -> Timestamp {
    Timestamp::from_secs(1_800_000_000)
}

/// Applies a plan. New keys are numbered.
fn apply(keys: &mut Vec<PlannedKey>, plan: &RotationPlan, count: &mut u32) {
    for (kid, times) in &plan.change {
        for key in keys.iter_mut().filter(|key| key.kid == *kid) {
            key.times = *times;
        }
    }
    keys.retain(|key| !plan.remove.contains(&key.kid));
    for new in &plan.generate {
        *count += 1;
        keys.push(PlannedKey {
            kid: format!("k{count:03}"),
            algorithm: new.algorithm,
            times: new.times,
        });
    }
}

/// Plans and applies the plan.
fn step(keys: &mut Vec<PlannedKey>, rules: &RotationRules, now: Timestamp, count: &mut u32) {
    let plan = plan_rotation(keys, rules, now);
    apply(keys, &plan, count);
}

fn signing(
    keys: &[PlannedKey],
    algorithm: SigningAlgorithm,
    now: Timestamp,
) -> Option<&PlannedKey> {
    keys.iter()
        .filter(|key| key.algorithm == algorithm && key.times.signs_from <= now)
        .filter(|key| key.times.retire_at.is_none_or(|at| at > now))
        .max_by_key(|key| (key.times.signs_from, &key.kid))
}

#[test]
fn a_tenants_first_key_signs_at_once() {
    let plan = plan_rotation(&[], &rules(), start());
    assert_eq!(plan.generate.len(), 1);
    assert_eq!(plan.generate[0].times.signs_from, start());
}

#[test]
fn a_key_of_a_new_algorithm_is_published_before_it_signs() {
    let (mut keys, mut count) = (Vec::new(), 0);
    step(&mut keys, &rules(), start(), &mut count);
    let rules = RotationRules {
        algorithms: vec![SigningAlgorithm::ES256, SigningAlgorithm::RS256],
        ..rules()
    };
    let plan = plan_rotation(&keys, &rules, start().plus(HOUR));
    assert_eq!(plan.generate.len(), 1);
    assert_eq!(plan.generate[0].times.signs_from, start().plus(HOUR).plus(DAY + PROPAGATION_DELAY));
}

#[test]
fn keys_of_a_removed_algorithm_are_retired_after_their_last_token() {
    let both = RotationRules {
        algorithms: vec![SigningAlgorithm::RS256, SigningAlgorithm::ES256],
        ..rules()
    };
    let (mut keys, mut count) = (Vec::new(), 0);
    step(&mut keys, &both, start(), &mut count);
    assert_eq!(keys.len(), 2);
    step(&mut keys, &rules(), start().plus(HOUR), &mut count);
    let leaving = keys.iter().find(|key| key.algorithm == SigningAlgorithm::ES256).expect("kept");
    assert_eq!(leaving.times.retire_at, Some(start().plus(HOUR).plus(HOUR + DAY)));
    assert!(
        plan_rotation(&keys, &rules(), start().plus(2 * HOUR)).is_empty(),
        "the date is set once"
    );
    step(&mut keys, &rules(), start().plus(3 * DAY), &mut count);
    assert!(keys.iter().all(|key| key.algorithm == SigningAlgorithm::RS256));
}

#[test]
fn a_key_signs_even_if_the_clock_went_back() {
    let (mut keys, mut count) = (Vec::new(), 0);
    step(&mut keys, &rules(), start(), &mut count);
    let earlier = start().minus(7 * DAY);
    assert!(signing(&keys, SigningAlgorithm::RS256, earlier).is_none());
    step(&mut keys, &rules(), earlier, &mut count);
    assert!(signing(&keys, SigningAlgorithm::RS256, earlier).is_some());
}

#[test]
fn planning_at_each_wake_time_is_enough() {
    let (mut keys, mut count, mut now) = (Vec::new(), 0, start());
    let mut signed_by = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let plan = plan_rotation(&keys, &rules(), now);
        apply(&mut keys, &plan, &mut count);
        signed_by
            .insert(signing(&keys, SigningAlgorithm::RS256, now).expect("one signs").kid.clone());
        now = plan
            .wake
            .expect("there is always a next rotation")
            .max(now.plus(Duration::from_millis(1)));
    }
    assert!(signed_by.len() > 10, "{signed_by:?}");
    assert!(keys.len() <= 3, "{keys:?}");
}

proptest! {
    /// A client that fetched the JWKS at least `publish_ahead` before a token was signed can verify
    /// it for as long as it is valid, regardless of how irregularly the plan runs.
    #[test]
    fn tokens_verify_with_what_was_published_ahead(
        steps in prop::collection::vec(1_u64..40, 1..120),
        interval in 2_u64..100,
        listed in prop::collection::vec(any::<bool>(), 120),
    ) {
        let ahead = Duration::from_secs(3600);
        let (mut keys, mut count, mut now) = (Vec::new(), 0, start());
        for (pause, es256) in steps.iter().zip(listed) {
            let mut rules = rules();
            rules.policy = RotationPolicy { interval: Duration::from_secs(3600 * interval), publish_ahead: ahead, retain: HOUR };
            if es256 { rules.algorithms.push(SigningAlgorithm::ES256); }
            step(&mut keys, &rules, now, &mut count);
            prop_assert!(plan_rotation(&keys, &rules, now).is_empty(), "applying a plan leaves nothing to do");
            for algorithm in &rules.algorithms {
                let Some(key) = signing(&keys, *algorithm, now) else {
                    prop_assert!(*algorithm != SigningAlgorithm::RS256, "RS256 always signs");
                    continue;
                };
                let first = key.times.published_at == start();
                prop_assert!(first || key.times.published_at.plus(ahead) <= now, "{key:?} at {now}");
                // The key stays published until the token it signs now has expired.
                let leaves = key.times.retire_at.unwrap_or(now.plus(1000 * DAY));
                let successor_signs = keys.iter()
                    .filter(|other| other.algorithm == key.algorithm)
                    .map(|other| other.times.signs_from).filter(|&at| at > now).min();
                let last_signed = successor_signs.unwrap_or(now);
                prop_assert!(leaves >= last_signed.max(now).plus(HOUR) || !es256 || key.algorithm == SigningAlgorithm::ES256);
            }
            now = now.plus(Duration::from_secs(900 * *pause));
        }
    }
}

#[test]
fn the_next_rotation_is_when_the_next_key_signs() {
    let (mut keys, mut count, rules) = (Vec::new(), 0, rules());
    step(&mut keys, &rules, start(), &mut count);
    let next = |keys: &[PlannedKey], now| next_rotation(keys, &rules, now);
    assert_eq!(next(&keys, start()), Some(start().plus(90 * DAY)));
    // The successor is published a day ahead, and the time stays the same until it signs.
    let ahead = start().plus(89 * DAY);
    step(&mut keys, &rules, ahead, &mut count);
    assert_eq!(keys.len(), 2);
    let from = keys[1].times.signs_from;
    assert_eq!(next(&keys, ahead), Some(from));
    assert_eq!(next(&keys, from), Some(from.plus(90 * DAY)));
    assert_eq!(next(&[], start()), None);
}
