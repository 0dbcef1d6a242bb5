//! Fields, indexes and presence: `a.b`, `a.?b`, `a["b"]`, `a[?0]`, `has(a.b)`.

use super::{
    budget::EvaluationBudget,
    calls::wrong_count,
    check::{Checked, CheckedKind, CheckedNode, Checker, KeyName},
    error::{EvaluationError, EvaluationProblem, ExpressionError, ExpressionProblem},
    evaluate::EvaluationFrame,
    syntax::{SyntaxKind, SyntaxNode},
    value::{EvaluatedValue, ExpressionType, TextValue},
    variables::{ClientField, UserField, VariableName},
};

/// Maximum number of characters of a key that an error shows.
const MAX_SHOWN_KEY: usize = 64;

/// The member of a value.
#[derive(Debug)]
pub(super) struct MemberNode {
    pub(super) path: MemberPath,
    pub(super) mode: MemberMode,
}

/// The place of a member.
#[derive(Debug)]
pub(super) enum MemberPath {
    User(UserField),
    Client(ClientField),
    Key(Box<CheckedNode>, KeyName),
    Index(Box<CheckedNode>, Box<CheckedNode>),
}

/// The result for a member, and for one that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MemberMode {
    /// The member, or an error.
    Required,
    /// An optional value.
    Optional,
    /// Whether it exists.
    Presence,
}

impl MemberMode {
    fn of(optional: bool) -> Self {
        if optional { Self::Optional } else { Self::Required }
    }

    fn result(self, member: ExpressionType) -> ExpressionType {
        match self {
            Self::Required => member,
            Self::Optional => ExpressionType::Optional,
            Self::Presence => ExpressionType::Boolean,
        }
    }
}

impl<'a> Checker<'a> {
    pub(super) fn check_field(
        self,
        of: &'a SyntaxNode,
        name: &str,
        optional: bool,
        position: usize,
    ) -> Result<(CheckedKind, ExpressionType), ExpressionError> {
        self.check_member(of, name, MemberMode::of(optional), position)
    }

    fn check_member(
        self,
        of: &'a SyntaxNode,
        name: &str,
        mode: MemberMode,
        position: usize,
    ) -> Result<(CheckedKind, ExpressionType), ExpressionError> {
        let variable = match &of.kind {
            SyntaxKind::Name(name) => self.variable(name),
            _ => None,
        };
        let (path, member) = match variable {
            Some(VariableName::User) => {
                let field = self.user_field(name, position)?;
                (MemberPath::User(field), field.value_type())
            }
            Some(VariableName::Client) => {
                let field = client_field(name, position)?;
                (MemberPath::Client(field), ExpressionType::Text)
            }
            Some(VariableName::Claims) | None => {
                use ExpressionType::{Map, Optional};
                let of = self.operand(of, "a field", &[Map, Optional])?;
                let inner = of.result;
                let path = MemberPath::Key(of, name.into());
                if inner == Optional && mode == MemberMode::Required {
                    let member = MemberNode { path, mode };
                    return Ok((CheckedKind::Member(member), Optional));
                }
                (path, ExpressionType::Dynamic)
            }
        };
        Ok((CheckedKind::Member(MemberNode { path, mode }), mode.result(member)))
    }

    fn user_field(self, name: &str, position: usize) -> Result<UserField, ExpressionError> {
        let fields = self.scope.user_fields();
        fields.iter().copied().find(|it| it.as_str() == name).ok_or_else(|| {
            let allowed = fields.iter().map(|it| it.as_str()).collect();
            unknown_field("field of user", name, allowed, position)
        })
    }

    pub(super) fn check_index(
        self,
        of: &'a SyntaxNode,
        index: &'a SyntaxNode,
        optional: bool,
    ) -> Result<(CheckedKind, ExpressionType), ExpressionError> {
        use ExpressionType::{Dynamic, Integer, List, Map, Optional, Text};
        let mode = MemberMode::of(optional);
        let of = self.operand(of, "an index", &[Map, List, Optional])?;
        let wanted: &[ExpressionType] = match of.result {
            Map => &[Text],
            List => &[Integer],
            _ => &[Text, Integer],
        };
        let index = self.operand(index, "an index", wanted)?;
        let is_chain = of.result == Optional;
        let path = MemberPath::Index(of, index);
        let result = if is_chain { Optional } else { mode.result(Dynamic) };
        Ok((CheckedKind::Member(MemberNode { path, mode }), result))
    }

    /// Checks `has(a.b)`.
    pub(super) fn check_presence(self, arguments: &'a [SyntaxNode], position: usize) -> Checked {
        let [argument] = arguments else {
            return Err(wrong_count("has", "one field", arguments.len(), position));
        };
        let SyntaxKind::Field { of, name, optional: false } = &argument.kind else {
            let problem = ExpressionProblem::Unsupported(
                "has takes a field, such as claims.hd; for other keys use \"key\" in claims",
            );
            return Err(ExpressionError { position: argument.position, problem });
        };
        let (kind, result) =
            self.check_member(of, name, MemberMode::Presence, argument.position)?;
        Ok(CheckedNode { position, result, kind })
    }
}

fn client_field(name: &str, position: usize) -> Result<ClientField, ExpressionError> {
    let fields = ClientField::ALL;
    fields.into_iter().find(|it| it.as_str() == name).ok_or_else(|| {
        let allowed = fields.iter().map(|it| it.as_str()).collect();
        unknown_field("field of client", name, allowed, position)
    })
}

fn unknown_field(
    kind: &'static str,
    name: &str,
    allowed: Vec<&str>,
    position: usize,
) -> ExpressionError {
    let (name, allowed) = (name.to_owned(), allowed.join(", "));
    ExpressionError { position, problem: ExpressionProblem::Unknown { kind, name, allowed } }
}

/// The outcome of looking a member up.
struct FoundMember<'a> {
    value: Option<EvaluatedValue<'a>>,
    /// The problem if there is none.
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
        let found = self.find_member(&member.path, position, budget)?;
        match member.mode {
            // optional.field: an optional value again.
            MemberMode::Required if found.in_optional => Ok(EvaluatedValue::optional(found.value)),
            MemberMode::Required => {
                let missing = found.missing;
                found.value.ok_or_else(|| EvaluationError { position, problem: missing.problem() })
            }
            MemberMode::Optional => Ok(EvaluatedValue::optional(found.value)),
            MemberMode::Presence => Ok(EvaluatedValue::Bool(found.value.is_some())),
        }
    }

    fn find_member(
        &self,
        path: &'a MemberPath,
        position: usize,
        budget: &mut EvaluationBudget,
    ) -> Result<FoundMember<'a>, EvaluationError> {
        let no_variable =
            |name| EvaluationError { position, problem: EvaluationProblem::NoVariable(name) };
        let member = |value, key: &'a str, in_optional| {
            let missing = MissingMember::Key(TextValue::Borrowed(key));
            FoundMember { value, missing, in_optional }
        };
        match path {
            MemberPath::User(field) => {
                let user = self.variables.user.as_ref().ok_or_else(|| no_variable("user"))?;
                Ok(member(user.value_of(*field), field.as_str(), false))
            }
            MemberPath::Client(field) => {
                let client = self.variables.client.as_ref().ok_or_else(|| no_variable("client"))?;
                Ok(member(Some(client.value_of(*field)), field.as_str(), false))
            }
            MemberPath::Key(of, key) => {
                let (of, in_optional) = unwrap_optional(self.evaluate(of, budget)?);
                let found = match of {
                    None => None,
                    Some(EvaluatedValue::Map(map)) => map.get(key),
                    Some(other) => {
                        return Err(wrong_receiver("a field", "a map", &other, position));
                    }
                };
                Ok(member(found, key, in_optional))
            }
            MemberPath::Index(of, index) => {
                let (of, in_optional) = unwrap_optional(self.evaluate(of, budget)?);
                let index = self.evaluate(index, budget)?;
                let Some(of) = of else { return Ok(member(None, "", true)) };
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
            Err(wrong_receiver("the index of a map", "text", &other, position))
        }
        (EvaluatedValue::List(_), other) => {
            Err(wrong_receiver("the index of a list", "an integer", &other, position))
        }
        (other, _) => Err(wrong_receiver("an index", "a list or map", other, position)),
    }
}

fn wrong_receiver(
    operation: &'static str,
    expected: &'static str,
    found: &EvaluatedValue<'_>,
    position: usize,
) -> EvaluationError {
    let found = found.value_type();
    let problem = EvaluationProblem::OperandType { operation, expected, found };
    EvaluationError { position, problem }
}
