//! The types of values, as far as they are known before the evaluation.

use std::fmt;

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpressionType {
    /// A type that depends on the variables.
    Dynamic,
    /// `null`.
    Null,
    /// True or false (`bool` of CEL).
    Boolean,
    /// A whole number (`int` of CEL).
    Integer,
    /// A number with a fraction.
    Decimal,
    /// A text (`string` of CEL).
    Text,
    /// A list of values of any types.
    List,
    /// A map with keys of text.
    Map,
    /// A value that may be absent, of `.?`.
    Optional,
}

impl ExpressionType {
    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Decimal)
    }
}

impl fmt::Display for ExpressionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dynamic => "a value",
            Self::Null => "null",
            Self::Boolean => "true or false",
            Self::Integer => "an integer",
            Self::Decimal => "a decimal number",
            Self::Text => "text",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Optional => "an optional value (orValue gives the value)",
        })
    }
}
