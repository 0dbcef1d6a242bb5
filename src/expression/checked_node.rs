//! Checked nodes: their names, functions, patterns and types are known.

use std::sync::Arc;

use regex::Regex;

use super::{
    function_table::FunctionSignature,
    syntax::{BinaryOperator, SyntaxLiteral},
    types::ExpressionType,
    variables::{ClientField, UserField},
};

/// A node of a checked expression, with the type of its value.
#[derive(Debug)]
pub(super) struct CheckedNode {
    pub(super) position: usize,
    /// The type of its value, `Dynamic` if it depends on the variables.
    pub(super) result: ExpressionType,
    pub(super) kind: CheckedNodeKind,
}

/// The kind of a node with its parts.
#[derive(Debug)]
pub(super) enum CheckedNodeKind {
    Literal(SyntaxLiteral),
    Claims,
    /// The element that the loop visits.
    LoopElement,
    Member(MemberNode),
    List(Vec<CheckedNode>),
    Map(Vec<(CheckedNode, CheckedNode)>),
    Not(Box<CheckedNode>),
    Negate(Box<CheckedNode>),
    Binary {
        operator: BinaryOperator,
        left: Box<CheckedNode>,
        right: Box<CheckedNode>,
    },
    And(Vec<CheckedNode>),
    Or(Vec<CheckedNode>),
    Conditional {
        condition: Box<CheckedNode>,
        yes: Box<CheckedNode>,
        no: Box<CheckedNode>,
    },
    Call {
        function: &'static FunctionSignature,
        operands: Vec<CheckedNode>,
    },
    Matches {
        text: Box<CheckedNode>,
        pattern: Regex,
        /// The steps that the pattern needs for each byte of a text at worst.
        steps_per_byte: usize,
    },
    Loop(LoopNode),
}

/// A loop over the elements of a list, or over the keys of a map.
#[derive(Debug)]
pub(super) struct LoopNode {
    pub(super) kind: LoopKind,
    pub(super) over: Box<CheckedNode>,
    /// The predicate; for `map` it is optional.
    pub(super) predicate: Option<Box<CheckedNode>>,
    /// The value of `map`, or `None` for another loop.
    pub(super) value: Option<Box<CheckedNode>>,
}

/// A member of a value, and what the result is without it.
#[derive(Debug)]
pub(super) struct MemberNode {
    pub(super) path: MemberPath,
    pub(super) mode: MemberAccessMode,
}

/// The place of a member.
#[derive(Debug)]
pub(super) enum MemberPath {
    User(UserField),
    Client(ClientField),
    Key(Box<CheckedNode>, Arc<str>),
    Index(Box<CheckedNode>, Box<CheckedNode>),
}

/// The result for a member, and for one that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MemberAccessMode {
    /// The member, or an error.
    Required,
    /// An optional value, which is empty without the member.
    Optional,
    /// True or false: whether the member exists (`has`).
    Presence,
}

impl MemberAccessMode {
    pub(super) fn of(optional: bool) -> Self {
        if optional { Self::Optional } else { Self::Required }
    }

    pub(super) fn result(self, member: ExpressionType) -> ExpressionType {
        match self {
            Self::Required => member,
            Self::Optional => ExpressionType::Optional,
            Self::Presence => ExpressionType::Boolean,
        }
    }
}

/// The kind of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoopKind {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
}

impl LoopKind {
    /// The loop with a name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let all = [Self::All, Self::Exists, Self::ExistsOne, Self::Filter, Self::Map];
        if name == "existsOne" {
            return Some(Self::ExistsOne);
        }
        all.into_iter().find(|it| it.as_str() == name)
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Exists => "exists",
            Self::ExistsOne => "exists_one",
            Self::Filter => "filter",
            Self::Map => "map",
        }
    }

    /// The arguments, in an error.
    pub(super) fn takes(self) -> &'static str {
        match self {
            Self::Map => "a name, a condition if wanted, and a value",
            _ => "a name and a condition",
        }
    }

    pub(super) fn result(self) -> ExpressionType {
        match self {
            Self::All | Self::Exists | Self::ExistsOne => ExpressionType::Boolean,
            Self::Filter | Self::Map => ExpressionType::List,
        }
    }
}
