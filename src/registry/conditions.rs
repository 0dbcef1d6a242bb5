//! Verdict → conditions, as Kubernetes shows them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{KeySource, Outcome, SecretWish, Verdict};
use crate::{
    api::{ConditionType, Reason},
    model::Timestamp,
};

/// The longest message that Kubernetes takes is 32 KiB; people read less.
const LONGEST_MESSAGE: usize = 2048;

const TRUE: &str = "True";
const FALSE: &str = "False";
const UNKNOWN: &str = "Unknown";

/// What is said of one condition.
#[derive(Clone)]
struct Judged {
    status: &'static str,
    reason: Reason,
    message: String,
}

fn holds(reason: Reason, message: &str) -> Judged {
    Judged { status: TRUE, reason, message: message.to_owned() }
}

/// The conditions of a verdict. `lastTransitionTime` is kept from `previous` where the status is
/// the same.
pub fn conditions(verdict: &Verdict, previous: &[Condition], now: Timestamp) -> Vec<Condition> {
    let types = types(verdict);
    let mut all: Vec<_> = types.into_iter().map(|it| (it, judge(verdict, it))).collect();
    // The first violation is the reason.
    let ready = match all.iter().find(|(_, judged)| judged.status != TRUE) {
        Some((_, violated)) => Judged { status: FALSE, ..violated.clone() },
        None => holds(Reason::Ready, "Everything is as it should be."),
    };
    all.push((ConditionType::Ready, ready));
    let entry = |(condition, judged): (ConditionType, Judged)| {
        let before = previous
            .iter()
            .find(|old| old.type_ == condition.as_str() && old.status == judged.status);
        Condition {
            type_: condition.as_str().to_owned(),
            status: judged.status.to_owned(),
            reason: judged.reason.as_str().to_owned(),
            message: judged.message,
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

fn judge(verdict: &Verdict, condition: ConditionType) -> Judged {
    let mut problems = verdict.problems.iter().filter(|problem| problem.condition == condition);
    if let Some(first) = problems.next() {
        let mut message = first.text();
        for further in problems {
            message.push_str("; ");
            message.push_str(&further.text());
        }
        return Judged { status: FALSE, reason: first.reason, message: shortened(message) };
    }
    match condition {
        ConditionType::Accepted => holds(Reason::Accepted, "The object is valid and allowed."),
        ConditionType::ResolvedRefs => {
            holds(Reason::ResolvedRefs, "Everything that it refers to is there.")
        }
        ConditionType::Programmed if verdict.served() => holds(Reason::Programmed, "It is served."),
        ConditionType::Programmed => Judged {
            status: FALSE,
            reason: Reason::NotServed,
            message: "Not served: see the conditions that are not True.".to_owned(),
        },
        ConditionType::KeysReady if keys_are_left_alone(verdict) => Judged {
            status: UNKNOWN,
            reason: Reason::Pending,
            message: "The keys are left as they are until the tenant is accepted.".to_owned(),
        },
        ConditionType::KeysReady | ConditionType::SecretReady | ConditionType::Ready => {
            holds(Reason::Available, "As it should be.")
        }
    }
}

fn keys_are_left_alone(verdict: &Verdict) -> bool {
    matches!(&verdict.outcome, Outcome::Tenant(tenant) if tenant.keys == KeySource::None)
}

fn shortened(mut message: String) -> String {
    if message.len() > LONGEST_MESSAGE {
        message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
        message.push('…');
    }
    message
}
