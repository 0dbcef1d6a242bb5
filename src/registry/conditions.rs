//! Verdict → conditions, as Kubernetes shows them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{Outcome, SecretWish, Verdict};
use crate::{
    api::{ConditionType, Reason},
    model::Timestamp,
};

/// The longest message that Kubernetes takes is 32 KiB; people read less.
const LONGEST_MESSAGE: usize = 2048;

/// The conditions of a verdict. `lastTransitionTime` is kept from `previous` where the status is
/// the same.
pub fn conditions(verdict: &Verdict, previous: &[Condition], now: Timestamp) -> Vec<Condition> {
    let mut all: Vec<(ConditionType, bool, Reason, String)> = Vec::new();
    for condition in types(verdict) {
        let (holds, reason, message) = judge(verdict, condition);
        all.push((condition, holds, reason, message));
    }
    let ready = match all.iter().find(|(_, holds, ..)| !holds) {
        Some((_, _, reason, message)) => (ConditionType::Ready, false, *reason, message.clone()),
        None => {
            (ConditionType::Ready, true, Reason::Ready, "Everything is as it should be.".into())
        }
    };
    all.push(ready);
    let entry = |(condition, holds, reason, message): (ConditionType, bool, Reason, String)| {
        let status = if holds { "True" } else { "False" };
        let before =
            previous.iter().find(|old| old.type_ == condition.as_str() && old.status == status);
        Condition {
            type_: condition.as_str().to_owned(),
            status: status.to_owned(),
            reason: reason.as_str().to_owned(),
            message,
            observed_generation: verdict.generation,
            last_transition_time: before.map_or_else(
                || Time(jiff::Timestamp::from_second(now.secs()).unwrap_or_default()),
                |old| old.last_transition_time.clone(),
            ),
        }
    };
    all.into_iter().map(entry).collect()
}

/// The conditions that an object of this kind has, in the order in which they are decided.
fn types(verdict: &Verdict) -> Vec<ConditionType> {
    use ConditionType::{Accepted, KeysReady, Programmed, ResolvedRefs, SecretReady};
    match &verdict.outcome {
        Outcome::Tenant(_) => vec![Accepted, ResolvedRefs, KeysReady, Programmed],
        Outcome::Client(client) => match client.secret {
            SecretWish::Generated(_) => vec![Accepted, ResolvedRefs, SecretReady, Programmed],
            SecretWish::None | SecretWish::Referenced(_) => {
                vec![Accepted, ResolvedRefs, Programmed]
            }
        },
        Outcome::User(_) => vec![Accepted, ResolvedRefs, Programmed],
        Outcome::Malformed => vec![Accepted],
    }
}

fn judge(verdict: &Verdict, condition: ConditionType) -> (bool, Reason, String) {
    let mut problems = verdict.problems.iter().filter(|problem| problem.condition == condition);
    if let Some(first) = problems.next() {
        let mut message = first.text();
        for further in problems {
            message.push_str("; ");
            message.push_str(&further.text());
        }
        if message.len() > LONGEST_MESSAGE {
            let end = (0..=LONGEST_MESSAGE).rev().find(|&at| message.is_char_boundary(at));
            message.truncate(end.unwrap_or(0));
            message.push('…');
        }
        return (false, first.reason, message);
    }
    match condition {
        ConditionType::Programmed if !verdict.served() => (
            false,
            Reason::NotServed,
            "Not served: see the conditions that are False, here or at the tenant.".to_owned(),
        ),
        ConditionType::Accepted => {
            (true, Reason::Accepted, "The object is valid and allowed.".into())
        }
        ConditionType::ResolvedRefs => {
            (true, Reason::ResolvedRefs, "Everything that it refers to is there.".into())
        }
        ConditionType::Programmed => (true, Reason::Programmed, "It is served.".into()),
        ConditionType::KeysReady | ConditionType::SecretReady | ConditionType::Ready => {
            (true, Reason::Available, "As it should be.".into())
        }
    }
}
