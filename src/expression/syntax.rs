//! The syntax tree, before names are known.

/// A node with its position.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SyntaxNode {
    /// The character at which it is reported, counted from 1.
    pub(super) position: usize,
    /// The number of levels below it, itself included.
    pub(super) depth: usize,
    pub(super) kind: SyntaxKind,
}

/// The kind of a node with its parts.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SyntaxKind {
    Literal(SyntaxLiteral),
    Name(String),
    /// `of.name`, or `of.?name`, which is optional.
    Field {
        of: Box<SyntaxNode>,
        name: String,
        optional: bool,
    },
    /// `of[index]`, or `of[?index]`, which is optional.
    Index {
        of: Box<SyntaxNode>,
        index: Box<SyntaxNode>,
        optional: bool,
    },
    Call {
        target: Option<Box<SyntaxNode>>,
        name: String,
        arguments: Vec<SyntaxNode>,
    },
    List(Vec<SyntaxNode>),
    Map(Vec<(SyntaxNode, SyntaxNode)>),
    Not(Box<SyntaxNode>),
    Negate(Box<SyntaxNode>),
    Binary {
        operator: BinaryOperator,
        left: Box<SyntaxNode>,
        right: Box<SyntaxNode>,
    },
    /// `a && b && c`.
    And(Vec<SyntaxNode>),
    /// `a || b || c`.
    Or(Vec<SyntaxNode>),
    /// `condition ? yes : no`.
    Conditional {
        condition: Box<SyntaxNode>,
        yes: Box<SyntaxNode>,
        no: Box<SyntaxNode>,
    },
}

/// A literal: a constant in the expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SyntaxLiteral {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
}

/// An operator between two operands that are both evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BinaryOperator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl BinaryOperator {
    pub(super) const ALL: [Self; 12] = [
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::In,
        Self::Add,
        Self::Subtract,
        Self::Multiply,
        Self::Divide,
        Self::Remainder,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }

    /// How tightly it binds: comparisons, sums, products.
    pub(super) fn precedence(self) -> u8 {
        match self {
            Self::Add | Self::Subtract => 2,
            Self::Multiply | Self::Divide | Self::Remainder => 3,
            _ => 1,
        }
    }
}

impl SyntaxKind {
    /// The greatest depth of the parts.
    pub(super) fn depth_of_parts(&self) -> usize {
        let deepest = |nodes: &[SyntaxNode]| nodes.iter().map(|it| it.depth).max().unwrap_or(0);
        match self {
            Self::Literal(_) | Self::Name(_) => 0,
            Self::Index { of, index, .. } => of.depth.max(index.depth),
            Self::Call { target, arguments, .. } => {
                target.as_ref().map_or(0, |it| it.depth).max(deepest(arguments))
            }
            Self::List(nodes) | Self::And(nodes) | Self::Or(nodes) => deepest(nodes),
            Self::Map(entries) => {
                entries.iter().map(|(key, value)| key.depth.max(value.depth)).max().unwrap_or(0)
            }
            Self::Field { of, .. } | Self::Not(of) | Self::Negate(of) => of.depth,
            Self::Binary { left, right, .. } => left.depth.max(right.depth),
            Self::Conditional { condition, yes, no } => {
                condition.depth.max(yes.depth).max(no.depth)
            }
        }
    }
}
