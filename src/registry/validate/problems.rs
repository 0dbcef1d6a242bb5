//! Problems of one object, gathered while it is validated: every check runs, so that a person
//! sees everything at once.

use std::fmt::Display;

use crate::{
    api::{ConditionReason, ConditionType},
    registry::ValidationProblem,
};

/// The problems found so far.
#[derive(Clone, Debug, Default)]
pub struct ProblemList(Vec<ValidationProblem>);

impl ProblemList {
    /// Adds a problem.
    pub fn add(
        &mut self,
        condition: ConditionType,
        reason: ConditionReason,
        field: impl Into<String>,
        message: impl Display,
    ) {
        self.0.push(ValidationProblem::of(condition, reason, field, message.to_string()));
    }

    /// A reason not to accept the object.
    pub fn refuse(
        &mut self,
        reason: ConditionReason,
        field: impl Into<String>,
        message: impl Display,
    ) {
        self.add(ConditionType::Accepted, reason, field, message);
    }

    /// A field whose value cannot be served.
    pub fn invalid(&mut self, field: impl Into<String>, message: impl Display) {
        self.refuse(ConditionReason::Invalid, field, message);
    }

    /// An enum value that this release does not know.
    pub fn unsupported(&mut self, field: impl Into<String>, value: &str, known: &[&str]) {
        let message = format!("{value:?} is not supported; use one of: {}", known.join(", "));
        self.refuse(ConditionReason::UnsupportedValue, field, message);
    }

    /// Whether the object cannot be accepted.
    pub fn refused(&self) -> bool {
        self.find(ConditionType::Accepted).is_some()
    }

    /// The first one of a condition.
    pub fn find(&self, condition: ConditionType) -> Option<&ValidationProblem> {
        self.0.iter().find(|problem| problem.condition == condition)
    }

    /// Whether there is one about a field.
    pub fn has_field(&self, field: &str) -> bool {
        self.0.iter().any(|problem| problem.field == field)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds those of another check.
    pub fn append(&mut self, others: impl IntoIterator<Item = ValidationProblem>) {
        self.0.extend(others);
    }

    /// The problems, in the order of the checks.
    pub fn into_vec(self) -> Vec<ValidationProblem> {
        self.0
    }
}
