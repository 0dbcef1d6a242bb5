//! A digest of the last written status, used to skip no-op status updates and to preserve
//! `lastTransitionTime`. It does not contain the messages.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Serialize;

use super::{ConditionReason, ConditionType};
use crate::model::{Sha256, Timestamp};

/// Digest of a status: hashes of its content, and the transition times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusDigest {
    /// Hash of everything except times.
    all: Digest64,
    /// Hash of the reason and message of the Ready condition.
    ready: Digest64,
    since: Box<[(Digest64, Timestamp)]>,
    salt: Option<Box<str>>,
}

impl StatusDigest {
    /// The digest of conditions and of the other status fields.
    pub fn of(conditions: &[Condition], rest: &impl Serialize) -> Self {
        let rest = serde_json::to_string(rest).expect("status fields serialise");
        let mut all = vec![rest];
        for it in conditions {
            let words = [&it.type_, &it.status, &it.reason, &it.message];
            all.extend(words.map(Clone::clone));
            all.push(format!("{:?}", it.observed_generation));
        }
        let since = conditions.iter().map(|it| {
            (Digest64::of([&it.type_, &it.status]), Timestamp::from(it.last_transition_time.0))
        });
        Self {
            all: Digest64::of(&all),
            ready: ready_condition(conditions).map(reason).unwrap_or_default(),
            since: since.collect(),
            salt: None,
        }
    }

    /// Adds the fingerprint of a tenant's pairwise salt.
    #[must_use]
    pub fn with_salt(self, fingerprint: Option<&str>) -> Self {
        Self { salt: fingerprint.map(Into::into), ..self }
    }

    /// Returns true if the status had conditions.
    pub fn has_conditions(&self) -> bool {
        !self.since.is_empty()
    }

    /// Returns true if both digest the same content, ignoring times.
    pub fn same_content(&self, other: &Self) -> bool {
        self.all == other.all
    }

    /// The time since when a condition has had this status.
    pub fn since(&self, condition: ConditionType, status: &str) -> Option<Timestamp> {
        let mark = Digest64::of([condition.as_str(), status]);
        self.since.iter().find(|(of, _)| *of == mark).map(|(_, at)| *at)
    }

    /// Whether the Ready condition was True; `None` if the status has none, or it is Unknown.
    pub fn is_ready(&self) -> Option<bool> {
        let has = |status: &str| self.since(ConditionType::Ready, status).is_some();
        if has("True") { Some(true) } else { has("False").then_some(false) }
    }

    /// Returns true if the Ready condition had the same reason and message.
    pub fn same_ready_reason(&self, condition: &Condition) -> bool {
        self.ready == reason(condition)
    }

    /// Returns true if the Ready condition had this reason and message.
    pub fn has_ready_reason(&self, reason: &str, message: &str) -> bool {
        self.ready == Digest64::of([reason, message])
    }

    /// Fingerprint of a tenant's pairwise salt.
    pub fn salt(&self) -> Option<&str> {
        self.salt.as_deref()
    }
}

/// The Ready condition. An object that does not deserialize has no Ready condition; then the first
/// condition that is False.
pub fn ready_condition(conditions: &[Condition]) -> Option<&Condition> {
    let found = conditions.iter().find(|one| one.type_ == ConditionType::Ready.as_str());
    found.or_else(|| conditions.iter().find(|one| one.status == "False"))
}

/// The reason of the condition `Reachable`.
pub fn reachable_reason(conditions: &[Condition]) -> Option<ConditionReason> {
    condition_reason(conditions, ConditionType::Reachable)
}

/// The reason of a condition; `None` if there is no such condition, or its reason is of another release.
pub fn condition_reason(conditions: &[Condition], of: ConditionType) -> Option<ConditionReason> {
    let word = of.as_str();
    let condition = conditions.iter().find(|condition| condition.type_ == word)?;
    ConditionReason::ALL.iter().copied().find(|reason| reason.as_str() == condition.reason)
}

fn reason(condition: &Condition) -> Digest64 {
    Digest64::of([&condition.reason, &condition.message])
}

/// The first 64 bits of a SHA-256 hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Digest64(u64);

impl Digest64 {
    fn of(words: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut hash = Sha256::default();
        for word in words {
            let word = word.as_ref();
            hash = hash.with(word.len().to_le_bytes()).with(word);
        }
        let first = *hash.finish().first_chunk().expect("SHA-256 has 32 bytes");
        Self(u64::from_le_bytes(first))
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    fn condition(kind: ConditionType, reason: &str, at: i64) -> Condition {
        Condition {
            type_: kind.as_str().to_owned(),
            status: "True".to_owned(),
            reason: reason.to_owned(),
            message: "All is well.".to_owned(),
            observed_generation: Some(1),
            last_transition_time: Time(jiff::Timestamp::from_second(at).expect("a time")),
        }
    }

    fn digest(reason: &str, at: i64) -> StatusDigest {
        let conditions =
            [ConditionType::Accepted, ConditionType::Ready].map(|kind| condition(kind, reason, at));
        StatusDigest::of(&conditions, &"rest")
    }

    #[test]
    fn content_is_compared_without_times() {
        assert!(digest("Ready", 1).same_content(&digest("Ready", 2)));
        assert!(!digest("Ready", 1).same_content(&digest("Available", 1)));
        let changed = StatusDigest::of(&[condition(ConditionType::Ready, "Ready", 1)], &"other");
        assert!(
            !changed.same_content(&StatusDigest::of(
                &[condition(ConditionType::Ready, "Ready", 1)],
                &1
            ))
        );
    }

    #[test]
    fn transition_times_are_preserved() {
        let digest = digest("Ready", 7);
        let at = Some(Timestamp::from_secs(7));
        assert_eq!(digest.since(ConditionType::Accepted, "True"), at);
        assert_eq!(digest.since(ConditionType::Accepted, "False"), None);
        assert_eq!(digest.since(ConditionType::KeysReady, "True"), None);
    }

    #[test]
    fn the_reason_of_ready_is_compared() {
        let digest = digest("Ready", 7);
        assert!(digest.same_ready_reason(&condition(ConditionType::Ready, "Ready", 9)));
        assert!(!digest.same_ready_reason(&condition(ConditionType::Ready, "Available", 7)));
        assert!(digest.has_conditions() && !StatusDigest::default().has_conditions());
    }
}
