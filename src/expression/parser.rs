//! Tokens → syntax (CEL specification, "Syntax"). Recursion and the depth of the tree are bounded,
//! so neither parsing nor evaluating can exhaust the stack.

use super::{
    error::{ExpressionError, ExpressionProblem},
    lexer::{ExpressionToken, PositionedToken, split_tokens},
    limits::{MAX_DEPTH, MAX_EXPRESSION_LEN},
    syntax::{BinaryOperator, SyntaxKind, SyntaxLiteral, SyntaxNode},
};

/// Words that are never names.
const KEYWORDS: [&str; 4] = ["false", "in", "null", "true"];

/// Parses an expression of at most [`MAX_EXPRESSION_LEN`] bytes.
pub(super) fn parse_syntax(text: &str) -> Result<SyntaxNode, ExpressionError> {
    if text.len() > MAX_EXPRESSION_LEN {
        let problem = ExpressionProblem::TooLong(text.len());
        return Err(ExpressionError { position: 1, problem });
    }
    let mut parser = SyntaxParser { tokens: split_tokens(text)?, at: 0, depth: 0 };
    let root = parser.expression()?;
    match parser.peek() {
        ExpressionToken::End => Ok(root),
        _ => Err(parser.unexpected("an operator or the end of the expression")),
    }
}

/// Reads tokens one by one.
pub(super) struct SyntaxParser {
    tokens: Vec<PositionedToken>,
    pub(super) at: usize,
    depth: usize,
}

/// A node, or the error in its text.
pub(super) type ParsedNode = Result<SyntaxNode, ExpressionError>;

impl SyntaxParser {
    pub(super) fn peek(&self) -> &ExpressionToken {
        self.tokens.get(self.at).map_or(&ExpressionToken::End, |it| &it.token)
    }

    pub(super) fn position(&self) -> usize {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |it| it.position)
    }

    pub(super) fn take_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), ExpressionToken::Sign(it) if *it == sign);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect_sign(
        &mut self,
        sign: &str,
        expected: &'static str,
    ) -> Result<(), ExpressionError> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    pub(super) fn unexpected(&self, expected: &'static str) -> ExpressionError {
        let problem = ExpressionProblem::Unexpected { found: self.peek().describe(), expected };
        ExpressionError { position: self.position(), problem }
    }

    fn deeper(&mut self) -> Result<(), ExpressionError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(too_deep(self.position())) } else { Ok(()) }
    }

    /// A conditional, or an expression of a higher precedence.
    pub(super) fn expression(&mut self) -> ParsedNode {
        self.deeper()?;
        let condition = self.disjunction()?;
        let position = self.position();
        let parsed = if self.take_sign("?") {
            let yes = self.disjunction()?;
            self.expect_sign(":", "\":\" and the other value")?;
            let no = self.expression()?;
            let (condition, yes, no) = (condition.into(), yes.into(), no.into());
            node_at(position, SyntaxKind::Conditional { condition, yes, no })
        } else {
            Ok(condition)
        };
        self.depth -= 1;
        parsed
    }

    fn disjunction(&mut self) -> ParsedNode {
        self.chain("||", Self::conjunction, SyntaxKind::Or)
    }

    fn conjunction(&mut self) -> ParsedNode {
        self.chain("&&", |parser| parser.binary(1), SyntaxKind::And)
    }

    fn chain(
        &mut self,
        sign: &str,
        part: impl Fn(&mut Self) -> ParsedNode,
        join: fn(Vec<SyntaxNode>) -> SyntaxKind,
    ) -> ParsedNode {
        let first = part(self)?;
        let position = self.position();
        if !self.take_sign(sign) {
            return Ok(first);
        }
        let mut parts = vec![first, part(self)?];
        while self.take_sign(sign) {
            parts.push(part(self)?);
        }
        node_at(position, join(parts))
    }

    /// Operators of at least this precedence.
    fn binary(&mut self, least: u8) -> ParsedNode {
        if least > 3 {
            return self.unary();
        }
        let mut left = self.binary(least + 1)?;
        while let Some(operator) = self.operator().filter(|it| it.precedence() == least) {
            let position = self.position();
            self.at += 1;
            let right = self.binary(least + 1)?.into();
            left = node_at(position, SyntaxKind::Binary { operator, left: left.into(), right })?;
        }
        Ok(left)
    }

    fn operator(&self) -> Option<BinaryOperator> {
        let text = match self.peek() {
            ExpressionToken::Sign(sign) => sign,
            ExpressionToken::Name(name) => name.as_str(),
            _ => return None,
        };
        BinaryOperator::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// Signs before an operand. Two signs stand for every even number of them.
    fn unary(&mut self) -> ParsedNode {
        let position = self.position();
        for (sign, wrap) in
            [("!", SyntaxKind::Not as fn(Box<SyntaxNode>) -> SyntaxKind), ("-", SyntaxKind::Negate)]
        {
            let mut count = 0;
            while self.take_sign(sign) {
                count += 1;
            }
            if count == 0 {
                continue;
            }
            if sign == "-"
                && count == 1
                && let Some(number) = self.negative_number()
            {
                let number = node_at(position, SyntaxKind::Literal(number))?;
                return self.members(number);
            }
            let mut node = self.member()?;
            for _ in 0..(if count % 2 == 0 { 2 } else { 1 }) {
                node = node_at(position, wrap(node.into()))?;
            }
            return Ok(node);
        }
        self.member()
    }

    fn negative_number(&mut self) -> Option<SyntaxLiteral> {
        let literal = match *self.peek() {
            ExpressionToken::Int(value) => SyntaxLiteral::Int(0_i64.checked_sub_unsigned(value)?),
            ExpressionToken::Double(value) => SyntaxLiteral::Double(-value),
            _ => return None,
        };
        self.at += 1;
        Some(literal)
    }

    fn member(&mut self) -> ParsedNode {
        let primary = self.primary()?;
        self.members(primary)
    }

    fn members(&mut self, mut of: SyntaxNode) -> ParsedNode {
        loop {
            let position = self.position();
            if self.take_sign(".") {
                let optional = self.take_sign("?");
                let position = self.position();
                let name = self.field_name()?;
                if !optional && self.take_sign("(") {
                    let arguments = self.nodes_until(")", "\",\" or \")\"")?;
                    let target = Some(of.into());
                    of = node_at(position, SyntaxKind::Call { target, name, arguments })?;
                } else {
                    of = node_at(position, SyntaxKind::Field { of: of.into(), name, optional })?;
                }
            } else if self.take_sign("[") {
                let optional = self.take_sign("?");
                let index = self.expression()?.into();
                self.expect_sign("]", "\"]\"")?;
                of = node_at(position, SyntaxKind::Index { of: of.into(), index, optional })?;
            } else {
                return Ok(of);
            }
        }
    }

    fn field_name(&mut self) -> Result<String, ExpressionError> {
        let name = match self.peek() {
            ExpressionToken::Name(name) if !KEYWORDS.contains(&name.as_str()) => name.clone(),
            ExpressionToken::QuotedName(name) => name.clone(),
            _ => return Err(self.unexpected("the name of a field or function")),
        };
        self.at += 1;
        Ok(name)
    }
}

/// A node whose depth is allowed.
pub(super) fn node_at(position: usize, kind: SyntaxKind) -> ParsedNode {
    let depth = kind.depth_of_parts() + 1;
    if depth > MAX_DEPTH {
        Err(too_deep(position))
    } else {
        Ok(SyntaxNode { position, depth, kind })
    }
}

fn too_deep(position: usize) -> ExpressionError {
    ExpressionError { position, problem: ExpressionProblem::TooDeep }
}
