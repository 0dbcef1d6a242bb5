//! The types of operands and results, as far as they are known before an evaluation.

use super::{
    checked_node::CheckedNode,
    error::{ExpressionError, ExpressionProblem},
    syntax::BinaryOperator,
    types::ExpressionType,
};

/// The type of a binary operation, if its operands fit.
pub(super) fn binary_result(
    operator: BinaryOperator,
    left: &CheckedNode,
    right: &CheckedNode,
) -> Result<ExpressionType, ExpressionProblem> {
    use BinaryOperator as B;
    use ExpressionType as T;
    let (a, b) = (left.result, right.result);
    let known = a != T::Dynamic && b != T::Dynamic;
    let need = |found, expected| {
        Err(ExpressionProblem::OperandType { operation: operator.as_str(), expected, found })
    };
    match operator {
        B::Equal | B::NotEqual => {
            let fits = a == b || a.is_number() && b.is_number() || a == T::Null || b == T::Null;
            let never = ExpressionProblem::NeverEqual { left: a, right: b };
            if known && !fits { Err(never) } else { Ok(T::Boolean) }
        }
        B::In => match b {
            T::Dynamic | T::List | T::Map => Ok(T::Boolean),
            T::Text => need(b, "a list or map on its right (text has contains)"),
            _ => need(b, "a list or map on its right"),
        },
        B::Less | B::LessOrEqual | B::Greater | B::GreaterOrEqual => {
            for it in [a, b] {
                if it != T::Dynamic && it != T::Text && !it.is_number() {
                    return need(it, "two numbers or two texts");
                }
            }
            if known && a != b && !(a.is_number() && b.is_number()) {
                return need(b, "two numbers or two texts");
            }
            Ok(T::Boolean)
        }
        B::Add | B::Subtract | B::Multiply | B::Divide | B::Remainder => {
            let sum = operator == B::Add;
            for it in [a, b] {
                let fits = it == T::Dynamic
                    || it == T::Integer
                    || it == T::Decimal && operator != B::Remainder
                    || sum && matches!(it, T::Text | T::List);
                if !fits {
                    return need(it, operands_of(operator));
                }
            }
            if known && a != b {
                return need(b, operands_of(operator));
            }
            Ok(if a == T::Dynamic { b } else { a })
        }
    }
}

/// The operands of an arithmetic operator.
pub(super) fn operands_of(operator: BinaryOperator) -> &'static str {
    match operator {
        BinaryOperator::Add => "two integers, two decimal numbers, two texts or two lists",
        BinaryOperator::Remainder => "two integers",
        _ => "two integers or two decimal numbers",
    }
}

/// Fails if the type of an operand is known and none of these.
pub(super) fn require_type(
    node: &CheckedNode,
    operation: &'static str,
    allowed: &[ExpressionType],
) -> Result<(), ExpressionError> {
    let (found, position) = (node.result, node.position);
    let expected = match allowed {
        [ExpressionType::Dynamic] => return Ok(()),
        [ExpressionType::Boolean] => "true or false",
        [ExpressionType::Text] => "text",
        [ExpressionType::List] => "a list",
        [ExpressionType::Optional] => "an optional value, such as claims.?name",
        [ExpressionType::Integer] => "an integer",
        [ExpressionType::Integer, ..] => "a number",
        [ExpressionType::Text, ..] => "text, a list or a map",
        _ => "a list or map",
    };
    if found == ExpressionType::Dynamic || allowed.contains(&found) {
        return Ok(());
    }
    let problem = ExpressionProblem::OperandType { operation, expected, found };
    Err(ExpressionError { position, problem })
}
