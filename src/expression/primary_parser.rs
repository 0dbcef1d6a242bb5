//! Tokens → operands: literals, names, calls, lists and maps.

use super::{
    error::{ExpressionError, ExpressionProblem},
    lexer::ExpressionToken,
    parser::{ParsedNode, SyntaxParser, node_at},
    syntax::{SyntaxKind, SyntaxLiteral, SyntaxNode},
};

/// Names that CEL reserves. They can be names of fields.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

impl SyntaxParser {
    pub(super) fn primary(&mut self) -> ParsedNode {
        let position = self.position();
        let kind = match self.peek().clone() {
            ExpressionToken::Sign("(") => {
                self.at += 1;
                let inner = self.expression()?;
                self.expect_sign(")", "an operator or \")\"")?;
                return Ok(inner);
            }
            ExpressionToken::Sign("[") => {
                self.at += 1;
                return node_at(
                    position,
                    SyntaxKind::List(self.nodes_until("]", "\",\" or \"]\"")?),
                );
            }
            ExpressionToken::Sign("{") => {
                self.at += 1;
                return node_at(position, SyntaxKind::Map(self.entries()?));
            }
            ExpressionToken::Name(name) => return self.name_or_call(name),
            ExpressionToken::Text(text) => SyntaxLiteral::Text(text),
            ExpressionToken::Double(value) => SyntaxLiteral::Double(value),
            ExpressionToken::Int(value) => {
                let too_large = ExpressionProblem::Literal("the number is malformed or too large");
                let value = i64::try_from(value)
                    .map_err(|_| ExpressionError { position, problem: too_large })?;
                SyntaxLiteral::Int(value)
            }
            ExpressionToken::QuotedName(_) | ExpressionToken::Sign(_) | ExpressionToken::End => {
                return Err(self.unexpected("a variable, a literal, a function or \"(\""));
            }
        };
        self.at += 1;
        node_at(position, SyntaxKind::Literal(kind))
    }

    fn name_or_call(&mut self, name: String) -> ParsedNode {
        let position = self.position();
        let literal = match name.as_str() {
            "null" => Some(SyntaxLiteral::Null),
            "true" => Some(SyntaxLiteral::Bool(true)),
            "false" => Some(SyntaxLiteral::Bool(false)),
            _ => None,
        };
        if literal.is_none() && (name == "in" || RESERVED.contains(&name.as_str())) {
            return Err(self.unexpected("a variable, a literal, a function or \"(\""));
        }
        self.at += 1;
        if let Some(literal) = literal {
            return node_at(position, SyntaxKind::Literal(literal));
        }
        if self.take_sign("(") {
            let arguments = self.nodes_until(")", "\",\" or \")\"")?;
            return node_at(position, SyntaxKind::Call { target: None, name, arguments });
        }
        node_at(position, SyntaxKind::Name(name))
    }

    /// Expressions, separated by commas, up to a closing bracket.
    pub(super) fn nodes_until(
        &mut self,
        close: &str,
        expected: &'static str,
    ) -> Result<Vec<SyntaxNode>, ExpressionError> {
        let mut nodes = Vec::new();
        while !self.take_sign(close) {
            nodes.push(self.expression()?);
            if !self.take_sign(",") {
                self.expect_sign(close, expected)?;
                break;
            }
        }
        Ok(nodes)
    }

    fn entries(&mut self) -> Result<Vec<(SyntaxNode, SyntaxNode)>, ExpressionError> {
        let mut entries = Vec::new();
        while !self.take_sign("}") {
            let key = self.expression()?;
            self.expect_sign(":", "\":\" and the value")?;
            entries.push((key, self.expression()?));
            if !self.take_sign(",") {
                self.expect_sign("}", "\",\" or \"}\"")?;
                break;
            }
        }
        Ok(entries)
    }
}
