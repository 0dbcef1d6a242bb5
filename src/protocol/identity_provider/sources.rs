//! The values of the parts of an account, and the requirements on claims and accounts.

use serde_json::Value;

use super::UpstreamClaims;
use crate::expression::{EvaluationBudgetPool, EvaluationError, Expression, ExpressionVariables};

/// The claims that one account is mapped from, and the steps that all expressions of the provider share
/// in the meantime.
#[derive(Debug)]
pub(super) struct ClaimsEvaluation<'a> {
    pub(super) claims: &'a UpstreamClaims,
    pub(super) steps: &'a EvaluationBudgetPool,
}

impl ClaimsEvaluation<'_> {
    /// The variables of an expression.
    pub(super) fn variables(&self) -> ExpressionVariables<'_> {
        ExpressionVariables {
            claims: Some(self.claims),
            steps: Some(self.steps),
            ..ExpressionVariables::default()
        }
    }
}

/// The source of a text, with a prefix.
#[derive(Clone, Debug)]
pub struct TextSource {
    /// The value, which must be a text.
    pub value: ValueSource,
    /// The text that is put before the value; may be empty.
    pub prefix: String,
}

/// A value of the provider's claims.
#[derive(Clone, Debug)]
pub enum ValueSource {
    /// The value of a claim.
    Claim(String),
    /// The result of an expression over `claims`.
    Expression(Expression),
}

impl ValueSource {
    /// The value; `None` if the claim is absent or null.
    ///
    /// # Errors
    ///
    /// An expression cannot be evaluated.
    pub(super) fn value(
        &self,
        of: &ClaimsEvaluation<'_>,
    ) -> Result<Option<Value>, EvaluationError> {
        match self {
            Self::Claim(name) => Ok(of.claims.get(name).filter(|it| !it.is_null()).cloned()),
            Self::Expression(expression) => {
                let value = expression.evaluate(&of.variables())?;
                Ok(Some(value).filter(|value| !value.is_null()))
            }
        }
    }

    /// The name of the claim; `None` for an expression.
    pub fn claim(&self) -> Option<&str> {
        match self {
            Self::Claim(name) => Some(name),
            Self::Expression(_) => None,
        }
    }
}

/// A requirement on the claims of a provider.
#[derive(Clone, Debug)]
pub struct ClaimRule {
    /// The requirement that the person's claims have to meet.
    pub requirement: ClaimRequirement,
    /// The message for a person who does not meet it; `None`: a general one.
    pub message: Option<String>,
}

/// The requirement of a [`ClaimRule`].
#[derive(Clone, Debug)]
pub enum ClaimRequirement {
    /// A claim has this text.
    Claim {
        /// The name of the claim.
        name: String,
        /// The text that the claim must be equal to.
        value: String,
    },
    /// An expression over `claims` is true.
    Expression(Expression),
}

/// A requirement on the account that the claims were mapped to.
#[derive(Clone, Debug)]
pub struct UserRule {
    /// An expression over `claims` and `user` that must be true.
    pub expression: Expression,
    /// The message for a person who does not meet it; `None`: a general one.
    pub message: Option<String>,
}
