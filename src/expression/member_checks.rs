//! Checks of fields, indexes and presence: `a.b`, `a.?b`, `a["b"]`, `a[?0]`, `has(a.b)`.

use super::{
    calls::wrong_count,
    check::{ExpressionCheckResult, ExpressionChecker},
    checked_node::{CheckedNode, CheckedNodeKind, MemberAccessMode, MemberNode, MemberPath},
    error::{ExpressionError, ExpressionProblem},
    syntax::{SyntaxKind, SyntaxNode},
    types::ExpressionType,
    variables::{ClientField, UserField, VariableName},
};

impl<'a> ExpressionChecker<'a> {
    pub(super) fn check_field(
        self,
        of: &'a SyntaxNode,
        name: &str,
        optional: bool,
        position: usize,
    ) -> Result<(CheckedNodeKind, ExpressionType), ExpressionError> {
        self.check_member(of, name, MemberAccessMode::of(optional), position)
    }

    fn check_member(
        self,
        of: &'a SyntaxNode,
        name: &str,
        mode: MemberAccessMode,
        position: usize,
    ) -> Result<(CheckedNodeKind, ExpressionType), ExpressionError> {
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
                if inner == Optional && mode == MemberAccessMode::Required {
                    let member = MemberNode { path, mode };
                    return Ok((CheckedNodeKind::Member(member), Optional));
                }
                (path, ExpressionType::Dynamic)
            }
        };
        Ok((CheckedNodeKind::Member(MemberNode { path, mode }), mode.result(member)))
    }

    fn user_field(self, name: &str, position: usize) -> Result<UserField, ExpressionError> {
        let fields = self.scope.user_fields();
        fields.iter().copied().find(|it| it.as_str() == name).ok_or_else(|| {
            let allowed: Vec<_> = fields.iter().map(|it| it.as_str()).collect();
            unknown_field("field of user", name, &allowed, position)
        })
    }

    pub(super) fn check_index(
        self,
        of: &'a SyntaxNode,
        index: &'a SyntaxNode,
        optional: bool,
    ) -> Result<(CheckedNodeKind, ExpressionType), ExpressionError> {
        use ExpressionType::{Dynamic, Integer, List, Map, Optional, Text};
        let mode = MemberAccessMode::of(optional);
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
        Ok((CheckedNodeKind::Member(MemberNode { path, mode }), result))
    }

    /// Checks `has(a.b)`, which needs one field.
    pub(super) fn check_presence(
        self,
        arguments: &'a [SyntaxNode],
        position: usize,
    ) -> ExpressionCheckResult {
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
            self.check_member(of, name, MemberAccessMode::Presence, argument.position)?;
        Ok(CheckedNode { position, result, kind })
    }
}

fn client_field(name: &str, position: usize) -> Result<ClientField, ExpressionError> {
    let fields = ClientField::ALL;
    fields.into_iter().find(|it| it.as_str() == name).ok_or_else(|| {
        let allowed: Vec<_> = fields.iter().map(|it| it.as_str()).collect();
        unknown_field("field of client", name, &allowed, position)
    })
}

fn unknown_field(
    kind: &'static str,
    name: &str,
    allowed: &[&str],
    position: usize,
) -> ExpressionError {
    let (name, allowed) = (name.to_owned(), allowed.join(", "));
    ExpressionError { position, problem: ExpressionProblem::Unknown { kind, name, allowed } }
}
