//! Checks the syntax tree of an expression, and builds checked nodes from it. Every variable, field and function must
//! exist, loops must not be nested, patterns must compile, and operands must fit where their types are known.

use super::{
    checked_node::{CheckedNode, CheckedNodeKind},
    error::{ExpressionError, ExpressionProblem},
    operand_types::{binary_result, require_type},
    syntax::{BinaryOperator, SyntaxKind, SyntaxLiteral, SyntaxNode},
    types::ExpressionType,
    variables::{ExpressionScope, VariableName},
};

/// The checked node, or the error in the expression.
pub(super) type ExpressionCheckResult = Result<CheckedNode, ExpressionError>;

/// Checks the variables, fields, functions and types of an expression.
pub(super) fn check_syntax(syntax: &SyntaxNode, scope: ExpressionScope) -> ExpressionCheckResult {
    ExpressionChecker { scope, element: None }.check(syntax)
}

/// The names that a part of an expression can use.
#[derive(Clone, Copy)]
pub(super) struct ExpressionChecker<'a> {
    pub(super) scope: ExpressionScope,
    /// The name of the element in a loop.
    pub(super) element: Option<&'a str>,
}

impl<'a> ExpressionChecker<'a> {
    pub(super) fn check(self, node: &'a SyntaxNode) -> ExpressionCheckResult {
        use ExpressionType as T;
        let position = node.position;
        let (kind, result) = match &node.kind {
            SyntaxKind::Literal(literal) => {
                (CheckedNodeKind::Literal(literal.clone()), literal_type(literal))
            }
            SyntaxKind::Name(name) => self.check_name(name, position)?,
            SyntaxKind::Field { of, name, optional } => {
                self.check_field(of, name, *optional, position)?
            }
            SyntaxKind::Index { of, index, optional } => self.check_index(of, index, *optional)?,
            SyntaxKind::Call { target, name, arguments } => {
                return self.check_call(target.as_deref(), name, arguments, position);
            }
            SyntaxKind::List(nodes) => (CheckedNodeKind::List(self.check_all(nodes)?), T::List),
            SyntaxKind::Map(entries) => (self.check_entries(entries)?, T::Map),
            SyntaxKind::Not(of) => {
                (CheckedNodeKind::Not(self.operand(of, "!", &[T::Boolean])?), T::Boolean)
            }
            SyntaxKind::Negate(of) => {
                let of = self.operand(of, "-", &[T::Integer, T::Decimal])?;
                let result = of.result;
                (CheckedNodeKind::Negate(of), result)
            }
            SyntaxKind::Binary { operator, left, right } => {
                self.check_binary(*operator, left, right, position)?
            }
            SyntaxKind::And(parts) => {
                (CheckedNodeKind::And(self.check_conditions(parts, "&&")?), T::Boolean)
            }
            SyntaxKind::Or(parts) => {
                (CheckedNodeKind::Or(self.check_conditions(parts, "||")?), T::Boolean)
            }
            SyntaxKind::Conditional { condition, yes, no } => {
                let condition = self.operand(condition, "?", &[T::Boolean])?;
                let (yes, no) = (Box::new(self.check(yes)?), Box::new(self.check(no)?));
                let result = if yes.result == no.result { yes.result } else { T::Dynamic };
                (CheckedNodeKind::Conditional { condition, yes, no }, result)
            }
        };
        Ok(CheckedNode { position, result, kind })
    }

    fn check_all(self, nodes: &'a [SyntaxNode]) -> Result<Vec<CheckedNode>, ExpressionError> {
        nodes.iter().map(|node| self.check(node)).collect()
    }

    fn check_conditions(
        self,
        nodes: &'a [SyntaxNode],
        operation: &'static str,
    ) -> Result<Vec<CheckedNode>, ExpressionError> {
        let condition = |node| Ok(*self.operand(node, operation, &[ExpressionType::Boolean])?);
        nodes.iter().map(condition).collect()
    }

    fn check_entries(
        self,
        entries: &'a [(SyntaxNode, SyntaxNode)],
    ) -> Result<CheckedNodeKind, ExpressionError> {
        let mut checked = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let key = *self.operand(key, "a key", &[ExpressionType::Text])?;
            checked.push((key, self.check(value)?));
        }
        Ok(CheckedNodeKind::Map(checked))
    }

    /// Checks an operand, whose type must be one of these if it is known.
    pub(super) fn operand(
        self,
        node: &'a SyntaxNode,
        operation: &'static str,
        allowed: &[ExpressionType],
    ) -> Result<Box<CheckedNode>, ExpressionError> {
        let checked = self.check(node)?;
        require_type(&checked, operation, allowed)?;
        Ok(Box::new(checked))
    }

    fn check_name(
        self,
        name: &str,
        position: usize,
    ) -> Result<(CheckedNodeKind, ExpressionType), ExpressionError> {
        if self.element == Some(name) {
            return Ok((CheckedNodeKind::LoopElement, ExpressionType::Dynamic));
        }
        match self.variable(name) {
            Some(VariableName::Claims) => Ok((CheckedNodeKind::Claims, ExpressionType::Map)),
            Some(VariableName::User | VariableName::Client) => {
                let problem = ExpressionProblem::Unsupported(
                    "\"user\" and \"client\" are used with a field, such as user.groups",
                );
                Err(ExpressionError { position, problem })
            }
            None => {
                let variables = self.scope.variables().iter().map(|it| it.as_str());
                let allowed: Vec<&str> = variables.chain(self.element).collect();
                let problem = ExpressionProblem::Unknown {
                    kind: "variable",
                    name: name.to_owned(),
                    allowed: allowed.join(", "),
                };
                Err(ExpressionError { position, problem })
            }
        }
    }

    /// The variable with this name, unless a loop's element has it.
    pub(super) fn variable(self, name: &str) -> Option<VariableName> {
        let mut variables = self.scope.variables().iter().copied();
        variables.find(|it| it.as_str() == name && self.element != Some(name))
    }

    fn check_binary(
        self,
        operator: BinaryOperator,
        left: &'a SyntaxNode,
        right: &'a SyntaxNode,
        position: usize,
    ) -> Result<(CheckedNodeKind, ExpressionType), ExpressionError> {
        let (left, right) = (Box::new(self.check(left)?), Box::new(self.check(right)?));
        let result = binary_result(operator, &left, &right)
            .map_err(|problem| ExpressionError { position, problem })?;
        Ok((CheckedNodeKind::Binary { operator, left, right }, result))
    }
}

fn literal_type(literal: &SyntaxLiteral) -> ExpressionType {
    match literal {
        SyntaxLiteral::Null => ExpressionType::Null,
        SyntaxLiteral::Bool(_) => ExpressionType::Boolean,
        SyntaxLiteral::Int(_) => ExpressionType::Integer,
        SyntaxLiteral::Double(_) => ExpressionType::Decimal,
        SyntaxLiteral::Text(_) => ExpressionType::Text,
    }
}
