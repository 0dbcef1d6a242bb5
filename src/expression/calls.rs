//! Checks of calls: functions, `has`, `matches` with its pattern, and loops.

use regex::{RegexBuilder, bytes};

use super::{
    check::{ExpressionCheckResult, ExpressionChecker},
    checked_node::{CheckedNode, CheckedNodeKind, LoopKind, LoopNode},
    error::{ExpressionError, ExpressionProblem},
    function_table::{ExpressionFunction, FUNCTIONS, list_functions},
    limits::MAX_PATTERN_SIZE,
    operand_types::require_type,
    syntax::{SyntaxKind, SyntaxLiteral, SyntaxNode},
    types::ExpressionType,
};

impl<'a> ExpressionChecker<'a> {
    pub(super) fn check_call(
        self,
        target: Option<&'a SyntaxNode>,
        name: &str,
        arguments: &'a [SyntaxNode],
        position: usize,
    ) -> ExpressionCheckResult {
        // optional.of(x) is a call on the name "optional".
        let qualified = match target.map(|it| &it.kind) {
            Some(SyntaxKind::Name(of)) if of == "optional" => Some(format!("optional.{name}")),
            _ => None,
        };
        let (target, name) = match &qualified {
            Some(qualified) => (None, qualified.as_str()),
            None => (target, name),
        };
        match (target, name) {
            (None, "has") => self.check_presence(arguments, position),
            (Some(text), "matches") => self.check_matches(text, arguments, position),
            (None, "matches") if !arguments.is_empty() => {
                self.check_matches(&arguments[0], &arguments[1..], position)
            }
            (Some(over), _) if let Some(kind) = LoopKind::named(name) => {
                self.check_loop(kind, over, arguments, position)
            }
            _ => self.check_function(target, name, arguments, position),
        }
    }

    fn check_function(
        self,
        target: Option<&'a SyntaxNode>,
        name: &str,
        arguments: &'a [SyntaxNode],
        position: usize,
    ) -> ExpressionCheckResult {
        let is_method = target.is_some();
        let known =
            FUNCTIONS.iter().find(|it| it.name == name && it.receiver.is_some() == is_method);
        let Some(function) = known else {
            let problem = ExpressionProblem::Unknown {
                kind: if is_method { "function of a value" } else { "function" },
                name: name.to_owned(),
                allowed: list_functions(is_method),
            };
            return Err(ExpressionError { position, problem });
        };
        if !(function.required..=function.arguments.len()).contains(&arguments.len()) {
            return Err(wrong_count(function.name, function.takes, arguments.len(), position));
        }
        let mut operands = Vec::with_capacity(arguments.len() + 1);
        if let (Some(target), Some(receiver)) = (target, function.receiver) {
            operands.push(*self.operand(target, function.name, &[receiver])?);
        }
        for (argument, wanted) in arguments.iter().zip(function.arguments) {
            operands.push(*self.operand(argument, function.name, &[*wanted])?);
        }
        if function.function == ExpressionFunction::Size {
            use ExpressionType::{List, Map, Text};
            require_type(&operands[0], "size", &[Text, List, Map])?;
        }
        let kind = CheckedNodeKind::Call { function, operands };
        Ok(CheckedNode { position, result: function.result, kind })
    }

    fn check_matches(
        self,
        text: &'a SyntaxNode,
        arguments: &'a [SyntaxNode],
        position: usize,
    ) -> ExpressionCheckResult {
        let [argument] = arguments else {
            return Err(wrong_count("matches", "one pattern", arguments.len(), position));
        };
        let text = self.operand(text, "matches", &[ExpressionType::Text])?;
        let SyntaxKind::Literal(SyntaxLiteral::Text(pattern)) = &argument.kind else {
            let problem =
                ExpressionProblem::Unsupported("the pattern of matches must be a literal");
            return Err(ExpressionError { position: argument.position, problem });
        };
        let steps_per_byte = steps_per_byte(pattern);
        let pattern = RegexBuilder::new(pattern)
            .size_limit(MAX_PATTERN_SIZE)
            .dfa_size_limit(MAX_PATTERN_SIZE)
            .build()
            .map_err(|error| ExpressionError {
                position: argument.position,
                problem: ExpressionProblem::Pattern(error.to_string().replace('\n', " ")),
            })?;
        let kind = CheckedNodeKind::Matches { text, pattern, steps_per_byte };
        Ok(CheckedNode { position, result: ExpressionType::Boolean, kind })
    }

    /// Checks a loop: the name of the element, then a predicate, and for `map` the value.
    fn check_loop(
        self,
        kind: LoopKind,
        over: &'a SyntaxNode,
        arguments: &'a [SyntaxNode],
        position: usize,
    ) -> ExpressionCheckResult {
        if self.element.is_some() {
            let problem = ExpressionProblem::NestedLoop(kind.as_str());
            return Err(ExpressionError { position, problem });
        }
        let allowed = [ExpressionType::List, ExpressionType::Map];
        let over = self.operand(over, kind.as_str(), &allowed)?;
        let (name, predicate, value) = match arguments {
            [name, value] if kind == LoopKind::Map => (name, None, Some(value)),
            [name, predicate, value] if kind == LoopKind::Map => {
                (name, Some(predicate), Some(value))
            }
            [name, predicate] => (name, Some(predicate), None),
            _ => return Err(wrong_count(kind.as_str(), kind.takes(), arguments.len(), position)),
        };
        let SyntaxKind::Name(element) = &name.kind else {
            let problem = ExpressionProblem::Unsupported("the first argument of a loop is a name");
            return Err(ExpressionError { position: name.position, problem });
        };
        if self.variable(element).is_some() {
            let problem = ExpressionProblem::Unsupported(
                "the element of a loop needs a name that no variable has",
            );
            return Err(ExpressionError { position: name.position, problem });
        }
        let inner = Self { element: Some(element), ..self };
        let boolean = [ExpressionType::Boolean];
        let predicate =
            predicate.map(|it| inner.operand(it, kind.as_str(), &boolean)).transpose()?;
        let value = value.map(|it| inner.check(it).map(Box::new)).transpose()?;
        let node = LoopNode { kind, over, predicate, value };
        Ok(CheckedNode { position, result: kind.result(), kind: CheckedNodeKind::Loop(node) })
    }
}

/// The error of a wrong number of arguments.
pub(super) fn wrong_count(
    function: &'static str,
    expected: &'static str,
    found: usize,
    position: usize,
) -> ExpressionError {
    let problem = ExpressionProblem::Arguments { function, expected, found };
    ExpressionError { position, problem }
}

/// The steps that a pattern needs for each byte of a text at worst: its size in KiB. Without the tables of
/// Unicode the size is in proportion to the states that it can be in at once, such as 1,000 for
/// `[01]{1000}`.
fn steps_per_byte(pattern: &str) -> usize {
    let is_within = |kib: &usize| {
        let plain = bytes::RegexBuilder::new(pattern).unicode(false).size_limit(kib << 10).build();
        // A pattern with classes of Unicode has its tables.
        plain.is_ok() || RegexBuilder::new(pattern).size_limit(kib << 10).build().is_ok()
    };
    let most = MAX_PATTERN_SIZE >> 10;
    std::iter::successors(Some(1), |kib| Some(kib * 2))
        .take_while(|kib| *kib < most)
        .find(is_within)
        .unwrap_or(most)
}
