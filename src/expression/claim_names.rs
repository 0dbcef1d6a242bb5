//! The claims that an expression names.

use std::collections::BTreeSet;

use super::{
    checked_node::{CheckedNode, CheckedNodeKind, LoopNode, MemberNode, MemberPath},
    syntax::{BinaryOperator, SyntaxLiteral},
};

/// Adds the names in `claims.name`, `claims["name"]` and `"name" in claims`, of a node and all below it.
pub(super) fn add_claim_names<'n>(node: &'n CheckedNode, names: &mut BTreeSet<&'n str>) {
    match &node.kind {
        CheckedNodeKind::Literal(_) | CheckedNodeKind::Claims | CheckedNodeKind::LoopElement => {}
        CheckedNodeKind::Member(MemberNode { path, .. }) => match path {
            MemberPath::User(_) | MemberPath::Client(_) => {}
            MemberPath::Key(of, name) => {
                names.extend(is_claims(of).then_some(&**name));
                add_claim_names(of, names);
            }
            MemberPath::Index(of, key) => {
                names.extend(text(key).filter(|_| is_claims(of)));
                add_claim_names(of, names);
                add_claim_names(key, names);
            }
        },
        CheckedNodeKind::Binary { operator, left, right } => {
            let is_in = *operator == BinaryOperator::In && is_claims(right);
            names.extend(text(left).filter(|_| is_in));
            add_claim_names(left, names);
            add_claim_names(right, names);
        }
        CheckedNodeKind::Not(one)
        | CheckedNodeKind::Negate(one)
        | CheckedNodeKind::Matches { text: one, .. } => {
            add_claim_names(one, names);
        }
        CheckedNodeKind::List(nodes)
        | CheckedNodeKind::And(nodes)
        | CheckedNodeKind::Or(nodes)
        | CheckedNodeKind::Call { operands: nodes, .. } => {
            for node in nodes {
                add_claim_names(node, names);
            }
        }
        CheckedNodeKind::Map(entries) => {
            for (key, value) in entries {
                add_claim_names(key, names);
                add_claim_names(value, names);
            }
        }
        CheckedNodeKind::Conditional { condition, yes, no } => {
            for node in [condition, yes, no] {
                add_claim_names(node, names);
            }
        }
        CheckedNodeKind::Loop(LoopNode { over, predicate, value, .. }) => {
            let parts = [Some(over), predicate.as_ref(), value.as_ref()];
            for node in parts.into_iter().flatten() {
                add_claim_names(node, names);
            }
        }
    }
}

fn is_claims(node: &CheckedNode) -> bool {
    matches!(node.kind, CheckedNodeKind::Claims)
}

fn text(node: &CheckedNode) -> Option<&str> {
    match &node.kind {
        CheckedNodeKind::Literal(SyntaxLiteral::Text(text)) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::expression::{Expression, ExpressionScope};

    #[test]
    fn every_claim_that_is_named_is_found() {
        let names = |text: &str| {
            let parsed = Expression::parse(text, ExpressionScope::Claims).expect(text);
            parsed.claim_names().into_iter().map(str::to_owned).collect::<Vec<_>>().join(" ")
        };
        for (expression, expected) in [
            ("true", ""),
            ("claims.groups", "groups"),
            ("claims[\"roles\"]", "roles"),
            ("claims.realm_access.roles.filter(r, r.startsWith('x'))", "realm_access"),
            ("has(claims.a) ? claims.b : claims.?c.orValue('')", "a b c"),
            ("'staff' in claims.groups && !('blocked' in claims)", "blocked groups"),
            ("[claims.x, 'y'].exists(it, it == claims.z)", "x z"),
        ] {
            assert_eq!(names(expression), expected, "{expression}");
        }
    }
}
