//! The status of an object that does not deserialize.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::{Map, Value};

use super::StatusDigest;

const CONDITIONS: &str = "conditions";
const OBSERVED_GENERATION: &str = "observedGeneration";
/// The field of a tenant's status with the fingerprint of the pairwise salt.
const SALT: &str = "pairwiseSaltFingerprint";

/// A status whose conditions can be replaced while its other fields stay as they are. A status is
/// written as a whole, and a lost field may be the only record of something: without the
/// fingerprint of its salt, a tenant whose salt was deleted would get a new one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RawStatus {
    observed_generation: Option<i64>,
    conditions: Vec<Condition>,
    others: Map<String, Value>,
}

impl RawStatus {
    /// Reads a status. Conditions that cannot be read are dropped.
    pub fn read(status: Value) -> Self {
        let Value::Object(mut others) = status else { return Self::default() };
        let conditions = others.remove(CONDITIONS).and_then(|it| serde_json::from_value(it).ok());
        let observed_generation = others.remove(OBSERVED_GENERATION).and_then(|it| it.as_i64());
        Self { observed_generation, conditions: conditions.unwrap_or_default(), others }
    }

    /// The status with conditions about a generation. Conditions of other types stay.
    #[must_use]
    pub fn with_conditions(
        &self,
        observed_generation: Option<i64>,
        mut conditions: Vec<Condition>,
    ) -> Self {
        let replaced = |it: &&Condition| conditions.iter().any(|new| new.type_ == it.type_);
        let kept: Vec<_> = self.conditions.iter().filter(|it| !replaced(it)).cloned().collect();
        conditions.extend(kept);
        Self { observed_generation, conditions, others: self.others.clone() }
    }

    /// The text of a field other than conditions and `observedGeneration`. `None` if it is absent or has another type.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.others.get(name)?.as_str()
    }

    /// The conditions of the status (`status.conditions`).
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// The digest of the status, by which a write without a change is skipped.
    pub fn digest(&self) -> StatusDigest {
        let salt = self.others.get(SALT).and_then(Value::as_str);
        StatusDigest::of(&self.conditions, &(self.observed_generation, &self.others))
            .with_salt(salt)
    }

    /// The status as JSON.
    pub fn to_json(&self) -> Value {
        let mut status = self.others.clone();
        if let Some(generation) = self.observed_generation {
            status.insert(OBSERVED_GENERATION.to_owned(), generation.into());
        }
        let conditions = serde_json::to_value(&self.conditions).expect("conditions serialise");
        status.insert(CONDITIONS.to_owned(), conditions);
        Value::Object(status)
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use serde_json::json;

    use super::*;

    fn condition(name: &str, reason: &str) -> Condition {
        Condition {
            type_: name.to_owned(),
            status: "True".to_owned(),
            reason: reason.to_owned(),
            message: String::new(),
            observed_generation: Some(3),
            last_transition_time: Time(jiff::Timestamp::UNIX_EPOCH),
        }
    }

    #[test]
    fn other_fields_and_conditions_are_kept() {
        let before = RawStatus::read(json!({
            "observedGeneration": 3,
            "issuer": "https://id.test/team/main",
            "pairwiseSaltFingerprint": "abc",
            "aFieldOfTomorrow": { "x": [1] },
            "conditions": [condition("Accepted", "Accepted"), condition("KeysReady", "Available")],
        }));
        let new = vec![condition("Accepted", "Malformed")];
        let after = before.with_conditions(Some(4), new);
        assert_eq!(after.digest().salt(), Some("abc"));
        let json = after.to_json();
        assert_eq!(json["observedGeneration"], 4);
        assert_eq!(json["issuer"], "https://id.test/team/main");
        assert_eq!(json["pairwiseSaltFingerprint"], "abc");
        assert_eq!(json["aFieldOfTomorrow"]["x"][0], 1);
        let reasons: Vec<_> = after.conditions().iter().map(|it| &*it.reason).collect();
        assert_eq!(reasons, ["Malformed", "Available"]);
        assert!(RawStatus::read(json).digest().same_content(&after.digest()));
    }

    #[test]
    fn an_absent_status_has_nothing() {
        assert_eq!(RawStatus::read(Value::Null), RawStatus::default());
    }
}
