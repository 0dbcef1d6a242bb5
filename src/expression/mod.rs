//! Expressions in the Common Expression Language (CEL): parsed and checked once, evaluated often,
//! with bounds on size, depth, time and memory. Owns the language, and does no I/O (docs/adr/0030).
//!
//! The order is `lexer` (text → tokens) → `parser` (tokens → syntax) → `check` (syntax → checked
//! nodes: variables, fields, functions, types) → `evaluate`.

mod budget;
mod calls;
mod check;
mod checked_node;
mod claim_names;
mod conversions;
mod error;
mod evaluate;
mod function_table;
mod lexer;
mod limits;
mod loops;
mod member_access;
mod member_checks;
mod operand_types;
mod operators;
mod parser;
mod primary_parser;
mod syntax;
mod text_functions;
mod types;
mod value;
mod variables;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, fmt, sync::Arc};

use self::{
    budget::EvaluationBudget, checked_node::CheckedNode, evaluate::EvaluationFrame,
    value::EvaluatedValue,
};
pub use self::{
    budget::EvaluationBudgetPool,
    error::{EvaluationError, EvaluationProblem, ExpressionError, ExpressionProblem},
    limits::{MAX_EXPRESSION_LEN, MAX_LOOP_ELEMENTS},
    types::ExpressionType,
    variables::{ExpressionClient, ExpressionScope, ExpressionUser, ExpressionVariables},
};

/// A checked expression. Clones share it, and two are equal if their texts and scopes are.
#[derive(Clone)]
pub struct Expression(Arc<CheckedExpression>);

struct CheckedExpression {
    text: Box<str>,
    scope: ExpressionScope,
    root: CheckedNode,
}

impl Expression {
    /// Parses and checks an expression. The error names the position, what was found, and what is
    /// allowed there.
    pub fn parse(text: &str, scope: ExpressionScope) -> Result<Self, ExpressionError> {
        let syntax = parser::parse_syntax(text)?;
        let root = check::check_syntax(&syntax, scope)?;
        Ok(Self(Arc::new(CheckedExpression { text: text.into(), scope, root })))
    }

    /// The text of the expression, as written.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The names of the claims that it reads.
    pub fn claim_names(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        claim_names::add_claim_names(&self.0.root, &mut names);
        names
    }

    /// The type of the result, `Dynamic` if it depends on the variables.
    pub fn result_type(&self) -> ExpressionType {
        self.0.root.result
    }

    /// Fails if the result can never be of one of these types.
    pub fn require_result(&self, allowed: &[ExpressionType]) -> Result<(), ExpressionError> {
        let found = self.result_type();
        if found == ExpressionType::Dynamic || allowed.contains(&found) {
            return Ok(());
        }
        let problem = ExpressionProblem::ResultType { found, expected: list_types(allowed) };
        Err(ExpressionError { position: 1, problem })
    }

    /// Evaluates to JSON. Fails for a value that JSON does not have, such as infinity.
    pub fn evaluate(
        &self,
        variables: &ExpressionVariables<'_>,
    ) -> Result<serde_json::Value, EvaluationError> {
        self.run(variables, |value, budget| value.to_json(self.0.root.position, budget))
    }

    /// Evaluates to true or false.
    pub fn evaluate_bool(
        &self,
        variables: &ExpressionVariables<'_>,
    ) -> Result<bool, EvaluationError> {
        self.run(variables, |value, _| match value {
            EvaluatedValue::Bool(value) => Ok(value),
            other => Err(self.wrong_result(&other, "true or false")),
        })
    }

    /// Evaluates to text. Fails for a value of another type.
    pub fn evaluate_text(
        &self,
        variables: &ExpressionVariables<'_>,
    ) -> Result<String, EvaluationError> {
        self.run(variables, |value, _| match value {
            EvaluatedValue::Text(text) => Ok(text.as_str().to_owned()),
            other => Err(self.wrong_result(&other, "text")),
        })
    }

    /// Evaluates to a list of texts. As in Kubernetes' `AuthenticationConfiguration`, one text is a
    /// list of one, and an empty text or null is an empty list.
    pub fn evaluate_texts(
        &self,
        variables: &ExpressionVariables<'_>,
    ) -> Result<Vec<String>, EvaluationError> {
        self.run(variables, |value, budget| match value {
            EvaluatedValue::Null => Ok(Vec::new()),
            EvaluatedValue::Text(text) if text.as_str().is_empty() => Ok(Vec::new()),
            EvaluatedValue::Text(text) => Ok(vec![text.as_str().to_owned()]),
            EvaluatedValue::List(list) => {
                let texts = list.iter().map(|element| match element {
                    EvaluatedValue::Text(text) => {
                        budget.create_bytes(self.0.root.position, text.as_str().len())?;
                        Ok(text.as_str().to_owned())
                    }
                    other => Err(self.wrong_result(&other, "a list of texts")),
                });
                texts.collect()
            }
            other => Err(self.wrong_result(&other, "a list of texts")),
        })
    }

    /// Evaluates within the bounds, and converts the result within the same ones.
    fn run<'a, T>(
        &'a self,
        variables: &'a ExpressionVariables<'a>,
        convert: impl FnOnce(EvaluatedValue<'a>, &mut EvaluationBudget) -> Result<T, EvaluationError>,
    ) -> Result<T, EvaluationError> {
        EvaluationBudget::with(variables.steps, |budget| {
            let value = EvaluationFrame::new(variables).evaluate(&self.0.root, budget)?;
            convert(value, budget)
        })
    }

    fn wrong_result(&self, found: &EvaluatedValue<'_>, expected: &'static str) -> EvaluationError {
        let problem = EvaluationProblem::ResultType { found: found.value_type(), expected };
        EvaluationError { position: self.0.root.position, problem }
    }
}

fn list_types(types: &[ExpressionType]) -> String {
    let names: Vec<String> = types.iter().map(ToString::to_string).collect();
    names.join(" or ")
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.0.text).finish()
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text && self.0.scope == other.0.scope
    }
}

impl Eq for Expression {}
