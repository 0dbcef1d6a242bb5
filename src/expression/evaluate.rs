//! Evaluates checked nodes. The depth of the tree bounds the recursion, and a budget the rest.

use super::{
    budget::EvaluationBudget,
    checked_node::{CheckedNode, CheckedNodeKind},
    error::{EvaluationError, EvaluationProblem},
    operators::apply_operator,
    syntax::SyntaxLiteral,
    text_functions::call_function,
    value::{Evaluated, EvaluatedValue, MapValue, TextValue, wrong_operand},
    variables::ExpressionVariables,
};

/// The variables of a part, and the element of the loop that it is in.
pub(super) struct EvaluationFrame<'a, 'f> {
    pub(super) variables: &'a ExpressionVariables<'a>,
    pub(super) element: Option<&'f EvaluatedValue<'a>>,
}

impl<'a> EvaluationFrame<'a, '_> {
    pub(super) fn new(variables: &'a ExpressionVariables<'a>) -> Self {
        Self { variables, element: None }
    }

    pub(super) fn evaluate(
        &self,
        node: &'a CheckedNode,
        budget: &mut EvaluationBudget,
    ) -> Evaluated<'a> {
        let position = node.position;
        budget.take_steps(position, 1)?;
        match &node.kind {
            CheckedNodeKind::Literal(literal) => Ok(literal_value(literal)),
            CheckedNodeKind::Claims => self.claims(position),
            CheckedNodeKind::LoopElement => {
                let problem = EvaluationProblem::NoVariable("element");
                self.element.cloned().ok_or(EvaluationError { position, problem })
            }
            CheckedNodeKind::Member(member) => self.evaluate_member(member, position, budget),
            CheckedNodeKind::List(nodes) => {
                budget.create_elements(position, nodes.len())?;
                let list: Result<Vec<_>, _> =
                    nodes.iter().map(|it| self.evaluate(it, budget)).collect();
                Ok(EvaluatedValue::of_list(list?))
            }
            CheckedNodeKind::Map(entries) => self.map_literal(entries, position, budget),
            CheckedNodeKind::Not(of) => Ok(EvaluatedValue::Bool(!self.condition(of, "!", budget)?)),
            CheckedNodeKind::Negate(of) => match self.evaluate(of, budget)? {
                EvaluatedValue::Int(value) => {
                    let problem = EvaluationProblem::Operand("the number is too large");
                    let negated = value.checked_neg().ok_or(EvaluationError { position, problem });
                    negated.map(EvaluatedValue::Int)
                }
                EvaluatedValue::Double(value) => Ok(EvaluatedValue::Double(-value)),
                other => Err(wrong_operand("-", "a number", &other, position)),
            },
            CheckedNodeKind::Binary { operator, left, right } => {
                let left = self.evaluate(left, budget)?;
                let right = self.evaluate(right, budget)?;
                apply_operator(*operator, &left, &right, (position, budget))
            }
            CheckedNodeKind::And(parts) => self.all_conditions(parts, true, budget),
            CheckedNodeKind::Or(parts) => self.all_conditions(parts, false, budget),
            CheckedNodeKind::Conditional { condition, yes, no } => {
                let chosen = if self.condition(condition, "?", budget)? { yes } else { no };
                self.evaluate(chosen, budget)
            }
            CheckedNodeKind::Call { function, operands } => {
                let values: Result<Vec<_>, _> =
                    operands.iter().map(|it| self.evaluate(it, budget)).collect();
                call_function(function, &values?, (position, budget))
            }
            CheckedNodeKind::Matches { text, pattern, steps_per_byte } => {
                let text = match self.evaluate(text, budget)? {
                    EvaluatedValue::Text(text) => text,
                    other => return Err(wrong_operand("matches", "text", &other, position)),
                };
                let steps = text.as_str().len().saturating_mul(*steps_per_byte);
                budget.take_steps(position, steps)?;
                Ok(EvaluatedValue::Bool(pattern.is_match(text.as_str())))
            }
            CheckedNodeKind::Loop(node) => self.evaluate_loop(node, position, budget),
        }
    }

    fn claims(&self, position: usize) -> Evaluated<'a> {
        let problem = EvaluationProblem::NoVariable("claims");
        let claims = self.variables.claims.ok_or(EvaluationError { position, problem })?;
        Ok(EvaluatedValue::Map(MapValue::Json(claims)))
    }

    fn map_literal(
        &self,
        entries: &'a [(CheckedNode, CheckedNode)],
        position: usize,
        budget: &mut EvaluationBudget,
    ) -> Evaluated<'a> {
        budget.create_elements(position, entries.len() * 2)?;
        let mut map: Vec<(TextValue<'a>, EvaluatedValue<'a>)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let key = match self.evaluate(key, budget)? {
                EvaluatedValue::Text(key) => key,
                other => return Err(wrong_operand("a key", "text", &other, position)),
            };
            if map.iter().any(|(it, _)| it.as_str() == key.as_str()) {
                let problem = EvaluationProblem::Operand("the map has a key twice");
                return Err(EvaluationError { position, problem });
            }
            map.push((key, self.evaluate(value, budget)?));
        }
        Ok(EvaluatedValue::Map(MapValue::Created(map.into())))
    }

    /// Evaluates a part that must be true or false. `operation` names it in the error.
    pub(super) fn condition(
        &self,
        node: &'a CheckedNode,
        operation: &'static str,
        budget: &mut EvaluationBudget,
    ) -> Result<bool, EvaluationError> {
        match self.evaluate(node, budget)? {
            EvaluatedValue::Bool(value) => Ok(value),
            other => Err(wrong_operand(operation, "true or false", &other, node.position)),
        }
    }

    /// `&&` if `neutral` is true, else `||`. A part that decides the result alone outweighs the
    /// error of another one (CEL specification, "Logical operators").
    fn all_conditions(
        &self,
        parts: &'a [CheckedNode],
        neutral: bool,
        budget: &mut EvaluationBudget,
    ) -> Evaluated<'a> {
        let operation = if neutral { "&&" } else { "||" };
        let mut failed = None;
        for part in parts {
            match self.condition(part, operation, budget) {
                Ok(value) if value == neutral => {}
                Ok(value) => return Ok(EvaluatedValue::Bool(value)),
                Err(error) if error.is_limit() => return Err(error),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(EvaluatedValue::Bool(neutral)), Err)
    }
}

fn literal_value(literal: &SyntaxLiteral) -> EvaluatedValue<'_> {
    match literal {
        SyntaxLiteral::Null => EvaluatedValue::Null,
        SyntaxLiteral::Bool(value) => EvaluatedValue::Bool(*value),
        SyntaxLiteral::Int(value) => EvaluatedValue::Int(*value),
        SyntaxLiteral::Double(value) => EvaluatedValue::Double(*value),
        SyntaxLiteral::Text(text) => EvaluatedValue::Text(TextValue::Borrowed(text)),
    }
}
