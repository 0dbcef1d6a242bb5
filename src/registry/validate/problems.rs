//! The problems of one object, collected during validation. Every check runs, so that the user sees
//! all problems at once.

use std::fmt::Display;

use crate::{
    api::{ConditionReason, ConditionType, EnumSpec},
    model::WireEnum,
    registry::ValidationProblem,
};

/// The problems found so far. Those with the condition `Warning` are warnings.
#[derive(Clone, Debug, Default)]
pub struct ProblemList(Vec<ValidationProblem>);

impl ProblemList {
    /// Adds a problem with a field. `field` is its path, such as `spec.redirectUris[0]`.
    pub fn add(
        &mut self,
        condition: ConditionType,
        reason: ConditionReason,
        field: impl Into<String>,
        message: impl Display,
    ) {
        self.0.push(ValidationProblem::of(condition, reason, field, message.to_string()));
    }

    /// Adds a problem that makes the object not accepted.
    pub fn add_refusal(
        &mut self,
        reason: ConditionReason,
        field: impl Into<String>,
        message: impl Display,
    ) {
        self.add(ConditionType::Accepted, reason, field, message);
    }

    /// Adds a problem with the value of a field.
    pub fn invalid(&mut self, field: impl Into<String>, message: impl Display) {
        self.add_refusal(ConditionReason::Invalid, field, message);
    }

    /// Adds a warning: the object is accepted, and its status has the condition `Warning`.
    pub fn warn(
        &mut self,
        reason: ConditionReason,
        field: impl Into<String>,
        message: impl Display,
    ) {
        self.add(ConditionType::Warning, reason, field, message);
    }

    /// Adds a problem with an enum value that this release does not support.
    pub fn unsupported(&mut self, field: impl Into<String>, value: &str, known: &[&str]) {
        let message = format!("{value:?} is not supported; use one of: {}", known.join(", "));
        self.add_refusal(ConditionReason::UnsupportedValue, field, message);
    }

    /// The value of a field, or a problem if this release does not support it.
    pub fn supported<T: WireEnum>(
        &mut self,
        field: impl Into<String>,
        written: Option<&EnumSpec<T>>,
    ) -> Option<T> {
        match written? {
            EnumSpec::Supported(value) => Some(*value),
            EnumSpec::Unsupported(text) => {
                let known: Vec<&str> = T::VALUES.iter().map(|value| value.name()).collect();
                self.unsupported(field, text, &known);
                None
            }
        }
    }

    /// Returns true if the object cannot be accepted.
    pub fn refused(&self) -> bool {
        self.find(ConditionType::Accepted).is_some()
    }

    /// The first problem of a condition.
    pub fn find(&self, condition: ConditionType) -> Option<&ValidationProblem> {
        self.0.iter().find(|problem| problem.condition == condition)
    }

    /// Returns true if there is a problem with a field.
    pub fn has_field(&self, field: &str) -> bool {
        self.0.iter().any(|problem| problem.field == field)
    }

    /// Returns true if there is a problem with a part of the object: a field, or one below it.
    pub fn has_below(&self, part: &str) -> bool {
        self.0.iter().any(|problem| {
            problem.condition != ConditionType::Warning
                && problem
                    .field
                    .strip_prefix(part)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }

    /// Returns true if a problem has a reason.
    pub fn has_reason(&self, reason: ConditionReason) -> bool {
        self.0.iter().any(|problem| problem.reason == reason)
    }

    /// The number of problems and warnings.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds the problems of another check.
    pub fn append(&mut self, others: impl IntoIterator<Item = ValidationProblem>) {
        self.0.extend(others);
    }

    /// The problems and the warnings, each in the order of the checks.
    pub fn into_parts(self) -> (Vec<ValidationProblem>, Vec<ValidationProblem>) {
        self.0.into_iter().partition(|problem| problem.condition != ConditionType::Warning)
    }
}
