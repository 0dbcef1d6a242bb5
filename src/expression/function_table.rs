//! The functions of expressions, with their receivers and arguments.

use super::types::ExpressionType::{self, Dynamic, Integer, List, Optional, Text};

/// A function whose operands are all evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExpressionFunction {
    Size,
    Contains,
    StartsWith,
    EndsWith,
    LowerAscii,
    UpperAscii,
    Trim,
    Split,
    Replace,
    Substring,
    IndexOf,
    LastIndexOf,
    CharAt,
    Join,
    OrValue,
    Or,
    Value,
    HasValue,
    ToText,
    ToInteger,
    ToDecimal,
    ToBoolean,
    Dynamic,
    OptionalOf,
    OptionalNone,
}

/// The signature of a function.
#[derive(Debug)]
pub(super) struct FunctionSignature {
    pub(super) name: &'static str,
    pub(super) function: ExpressionFunction,
    /// The type of the operand before the dot; `None` for a function that is called without one.
    pub(super) receiver: Option<ExpressionType>,
    /// The types of the arguments.
    pub(super) arguments: &'static [ExpressionType],
    /// The number of arguments that must be given.
    pub(super) required: usize,
    pub(super) result: ExpressionType,
    /// The number of arguments, in an error.
    pub(super) takes: &'static str,
}

const fn method(
    name: &'static str,
    function: ExpressionFunction,
    receiver: ExpressionType,
    (arguments, required, takes): (&'static [ExpressionType], usize, &'static str),
    result: ExpressionType,
) -> FunctionSignature {
    FunctionSignature {
        name,
        function,
        receiver: Some(receiver),
        arguments,
        required,
        result,
        takes,
    }
}

const fn conversion(
    name: &'static str,
    function: ExpressionFunction,
    result: ExpressionType,
) -> FunctionSignature {
    FunctionSignature {
        name,
        function,
        receiver: None,
        arguments: &[Dynamic],
        required: 1,
        result,
        takes: "one argument",
    }
}

type Arguments = (&'static [ExpressionType], usize, &'static str);

const NONE: Arguments = (&[], 0, "no arguments");
const TEXT: Arguments = (&[Text], 1, "one argument");
const VALUE: Arguments = (&[Dynamic], 1, "one argument");
const OPTIONAL: Arguments = (&[Optional], 1, "one argument");
const INTEGER: Arguments = (&[Integer], 1, "one argument");
const SEARCH: Arguments = (&[Text, Integer], 1, "one or two arguments");

/// All functions but the loops, `has` and `matches`.
pub(super) static FUNCTIONS: &[FunctionSignature] = {
    use ExpressionFunction as F;
    use ExpressionType::{Boolean, Decimal};
    &[
        method("size", F::Size, Dynamic, NONE, Integer),
        conversion("size", F::Size, Integer),
        method("contains", F::Contains, Text, TEXT, Boolean),
        method("startsWith", F::StartsWith, Text, TEXT, Boolean),
        method("endsWith", F::EndsWith, Text, TEXT, Boolean),
        method("lowerAscii", F::LowerAscii, Text, NONE, Text),
        method("upperAscii", F::UpperAscii, Text, NONE, Text),
        method("trim", F::Trim, Text, NONE, Text),
        method("split", F::Split, Text, SEARCH, List),
        method(
            "replace",
            F::Replace,
            Text,
            (&[Text, Text, Integer], 2, "two or three arguments"),
            Text,
        ),
        method(
            "substring",
            F::Substring,
            Text,
            (&[Integer, Integer], 1, "one or two arguments"),
            Text,
        ),
        method("indexOf", F::IndexOf, Text, SEARCH, Integer),
        method("lastIndexOf", F::LastIndexOf, Text, TEXT, Integer),
        method("charAt", F::CharAt, Text, INTEGER, Text),
        method("join", F::Join, List, (&[Text], 0, "at most one argument"), Text),
        method("orValue", F::OrValue, Optional, VALUE, Dynamic),
        method("or", F::Or, Optional, OPTIONAL, Optional),
        method("value", F::Value, Optional, NONE, Dynamic),
        method("hasValue", F::HasValue, Optional, NONE, Boolean),
        conversion("string", F::ToText, Text),
        conversion("int", F::ToInteger, Integer),
        conversion("double", F::ToDecimal, Decimal),
        conversion("bool", F::ToBoolean, Boolean),
        conversion("dyn", F::Dynamic, Dynamic),
        conversion("optional.of", F::OptionalOf, Optional),
        FunctionSignature {
            name: "optional.none",
            function: F::OptionalNone,
            receiver: None,
            arguments: &[],
            required: 0,
            result: Optional,
            takes: "no arguments",
        },
    ]
};

/// Lists the function names of one kind, with built-in ones that are not in the table.
pub(super) fn list_functions(is_method: bool) -> String {
    let more: &[&str] = if is_method {
        &["matches", "all", "exists", "exists_one", "filter", "map"]
    } else {
        &["has", "matches"]
    };
    let of_table = FUNCTIONS.iter().filter(|it| it.receiver.is_some() == is_method);
    let names: Vec<&str> = of_table.map(|it| it.name).chain(more.iter().copied()).collect();
    names.join(", ")
}
