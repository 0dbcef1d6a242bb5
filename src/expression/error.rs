//! Errors of expressions: when they are parsed and checked, and when they are evaluated. Neither
//! contains a value of a person, only the names of keys and types.

use super::{
    limits::{MAX_CREATED_BYTES, MAX_DEPTH, MAX_EXPRESSION_LEN, MAX_LOOP_ELEMENTS, MAX_STEPS},
    types::ExpressionType,
};

/// An expression that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at position {position}: {problem}")]
pub struct ExpressionError {
    /// The character at which the problem begins, counted from 1.
    pub position: usize,
    /// The problem, which says what is allowed instead.
    pub problem: ExpressionProblem,
}

/// The reason that an expression cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionProblem {
    /// The text is too long.
    #[error("the expression has {0} bytes, and at most {MAX_EXPRESSION_LEN} are allowed")]
    TooLong(usize),
    /// The nesting is too deep.
    #[error("the expression is nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// A token does not belong where it is.
    #[error("found {found}, expected {expected}")]
    Unexpected {
        /// The token that was found, in words.
        found: String,
        /// The tokens that are allowed there, in words.
        expected: &'static str,
    },
    /// A literal is malformed.
    #[error("{0}")]
    Literal(&'static str),
    /// A name does not exist.
    #[error("the {kind} \"{name}\" does not exist; allowed: {allowed}")]
    Unknown {
        /// The kind of the name, such as `variable` or `function`.
        kind: &'static str,
        /// The name, as in the expression.
        name: String,
        /// The names that exist, separated by commas.
        allowed: String,
    },
    /// A function has the wrong number of arguments.
    #[error("{function} takes {expected}, found {found}")]
    Arguments {
        /// The name of the function.
        function: &'static str,
        /// The number of arguments that it takes.
        expected: &'static str,
        /// The number of arguments that are given.
        found: usize,
    },
    /// An operand has a type that the operation never accepts.
    #[error("{operation} needs {expected}, found {found}")]
    OperandType {
        /// The operator or the function.
        operation: &'static str,
        /// The type that is needed.
        expected: &'static str,
        /// The type of the operand.
        found: ExpressionType,
    },
    /// Two values of types that are never equal are compared.
    #[error("{left} and {right} are never equal")]
    NeverEqual {
        /// The type of the left operand.
        left: ExpressionType,
        /// The type of the right operand.
        right: ExpressionType,
    },
    /// The result has the wrong type.
    #[error("the result is {found}, and must be {expected}")]
    ResultType {
        /// The type of the result.
        found: ExpressionType,
        /// The type that is needed.
        expected: String,
    },
    /// A loop is inside another one.
    #[error("{0} is inside another loop, and loops cannot be nested; use \"in\", matches or split")]
    NestedLoop(&'static str),
    /// A part of CEL that is not supported here.
    #[error("{0}")]
    Unsupported(&'static str),
    /// A pattern of `matches` is invalid or too large.
    #[error("the pattern of matches is invalid or too large: {0}")]
    Pattern(String),
}

/// An evaluation that gives no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at position {position}: {problem}")]
pub struct EvaluationError {
    /// The character at which the failing part begins, counted from 1.
    pub position: usize,
    /// The problem with the values.
    pub problem: EvaluationProblem,
}

impl EvaluationError {
    /// Returns true if the evaluation was stopped. `&&`, `||`, `all` and `exists` do not continue
    /// after such an error.
    pub(super) fn is_limit(&self) -> bool {
        use EvaluationProblem::{LoopTooLong, OutputTooLarge, TooManySharedSteps, TooManySteps};
        matches!(self.problem, TooManySteps | TooManySharedSteps | OutputTooLarge | LoopTooLong(_))
    }
}

/// The reason that an evaluation gives no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationProblem {
    /// A map has no such key.
    #[error("the key \"{0}\" does not exist")]
    NoSuchKey(String),
    /// A list has no such element.
    #[error("the list has {len} elements, and none at {index}")]
    NoSuchElement {
        /// The index, which may be negative.
        index: i64,
        /// The length of the list.
        len: usize,
    },
    /// An operand has the wrong type.
    #[error("{operation} needs {expected}, found {found}")]
    OperandType {
        /// The operator or the function.
        operation: &'static str,
        /// The type that is needed.
        expected: &'static str,
        /// The type of the operand.
        found: ExpressionType,
    },
    /// The result has the wrong type.
    #[error("the result is {found}, and must be {expected}")]
    ResultType {
        /// The type of the result.
        found: ExpressionType,
        /// The type that is needed.
        expected: &'static str,
    },
    /// An operand has a value that the operation does not accept.
    #[error("{0}")]
    Operand(&'static str),
    /// A variable has no value here.
    #[error("the variable \"{0}\" has no value")]
    NoVariable(&'static str),
    /// A loop has too many elements.
    #[error("the loop has {0} elements, and at most {MAX_LOOP_ELEMENTS} are allowed")]
    LoopTooLong(usize),
    /// The evaluation takes too long.
    #[error("the evaluation takes more than {MAX_STEPS} steps")]
    TooManySteps,
    /// The evaluations that share their steps take too many.
    #[error("the expressions that are evaluated together take too many steps")]
    TooManySharedSteps,
    /// The evaluation creates too much text.
    #[error("the evaluation creates more than {MAX_CREATED_BYTES} bytes")]
    OutputTooLarge,
}
