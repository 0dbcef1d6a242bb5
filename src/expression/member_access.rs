//! Looks up fields and indexes.

use super::{
    budget::EvaluationBudget,
    checked_node::{MemberAccessMode, MemberNode, MemberPath},
    error::{EvaluationError, EvaluationProblem},
    evaluate::EvaluationFrame,
    limits::MAX_SHOWN_KEY,
    value::{EvaluatedValue, TextValue, wrong_operand},
};

/// The outcome of looking a member up.
struct FoundMember<'a> {
    value: Option<EvaluatedValue<'a>>,
    /// The problem of a member that was not found.
    missing: MissingMember<'a>,
    /// Whether it was looked up in an optional value.
    in_optional: bool,
}

enum MissingMember<'a> {
    Key(TextValue<'a>),
    Element { index: i64, len: usize },
}

impl MissingMember<'_> {
    fn problem(&self) -> EvaluationProblem {
        match self {
            Self::Key(key) => {
                EvaluationProblem::NoSuchKey(key.as_str().chars().take(MAX_SHOWN_KEY).collect())
            }
            Self::Element { index, len } => {
                EvaluationProblem::NoSuchElement { index: *index, len: *len }
            }
        }
    }
}

impl<'a> EvaluationFrame<'a, '_> {
    pub(super) fn evaluate_member(
        &self,
        member: &'a MemberNode,
        position: usize,
        budget: &mut EvaluationBudget,
    ) -> Result<EvaluatedValue<'a>, EvaluationError> {
        let found = self.find_member(member, position, budget)?;
        match member.mode {
            // optional.field: an optional value again.
            MemberAccessMode::Required if found.in_optional => {
                Ok(EvaluatedValue::optional(found.value))
            }
            MemberAccessMode::Required => {
                let missing = found.missing;
                found.value.ok_or_else(|| EvaluationError { position, problem: missing.problem() })
            }
            MemberAccessMode::Optional => Ok(EvaluatedValue::optional(found.value)),
            MemberAccessMode::Presence => Ok(EvaluatedValue::Bool(found.value.is_some())),
        }
    }

    fn find_member(
        &self,
        member: &'a MemberNode,
        position: usize,
        budget: &mut EvaluationBudget,
    ) -> Result<FoundMember<'a>, EvaluationError> {
        let no_variable =
            |name| EvaluationError { position, problem: EvaluationProblem::NoVariable(name) };
        let found = |value, key: &'a str, in_optional| {
            let missing = MissingMember::Key(TextValue::Borrowed(key));
            FoundMember { value, missing, in_optional }
        };
        match &member.path {
            MemberPath::User(field) => {
                let user = self.variables.user.as_ref().ok_or_else(|| no_variable("user"))?;
                Ok(found(user.value_of(*field), field.as_str(), false))
            }
            MemberPath::Client(field) => {
                let client = self.variables.client.as_ref().ok_or_else(|| no_variable("client"))?;
                Ok(found(Some(client.value_of(*field)), field.as_str(), false))
            }
            MemberPath::Key(of, key) => {
                let (of, in_optional) = unwrap_optional(self.evaluate(of, budget)?);
                let value = match of {
                    Some(EvaluatedValue::Map(map)) => map.get(key),
                    Some(other) if member.mode == MemberAccessMode::Required && !in_optional => {
                        return Err(wrong_operand("a field", "a map", &other, position));
                    }
                    _ => None,
                };
                Ok(found(value, key, in_optional))
            }
            MemberPath::Index(of, index) => {
                let (of, in_optional) = unwrap_optional(self.evaluate(of, budget)?);
                let index = self.evaluate(index, budget)?;
                let Some(of) = of else { return Ok(found(None, "", true)) };
                let (value, missing) = element_at(&of, index, position)?;
                Ok(FoundMember { value, missing, in_optional })
            }
        }
    }
}

/// The content of an optional value, and whether it was one.
fn unwrap_optional(value: EvaluatedValue<'_>) -> (Option<EvaluatedValue<'_>>, bool) {
    match value {
        EvaluatedValue::Optional(inner) => (inner.map(|it| (*it).clone()), true),
        other => (Some(other), false),
    }
}

fn element_at<'a>(
    of: &EvaluatedValue<'a>,
    index: EvaluatedValue<'a>,
    position: usize,
) -> Result<(Option<EvaluatedValue<'a>>, MissingMember<'a>), EvaluationError> {
    match (of, index) {
        (EvaluatedValue::Map(map), EvaluatedValue::Text(key)) => {
            Ok((map.get(key.as_str()), MissingMember::Key(key)))
        }
        (EvaluatedValue::List(list), EvaluatedValue::Int(index)) => {
            let found = usize::try_from(index).ok().and_then(|at| list.get(at));
            Ok((found, MissingMember::Element { index, len: list.len() }))
        }
        (EvaluatedValue::Map(_), other) => {
            Err(wrong_operand("the index of a map", "text", &other, position))
        }
        (EvaluatedValue::List(_), other) => {
            Err(wrong_operand("the index of a list", "an integer", &other, position))
        }
        (other, _) => Err(wrong_operand("an index", "a list or map", other, position)),
    }
}
