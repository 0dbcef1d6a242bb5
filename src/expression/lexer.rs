//! Text → tokens (CEL specification, "Syntax"). Positions count characters from 1.

use super::error::{ExpressionError, ExpressionProblem};

/// A token with its position.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PositionedToken {
    pub(super) position: usize,
    pub(super) token: ExpressionToken,
}

/// A token of the CEL grammar.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ExpressionToken {
    /// An identifier or keyword.
    Name(String),
    /// An identifier in backticks.
    QuotedName(String),
    Text(String),
    /// A whole number without its sign, which may be one more than the largest `i64`.
    Int(u64),
    Double(f64),
    /// An operator or a bracket.
    Sign(&'static str),
    End,
}

impl ExpressionToken {
    /// The token in an error.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Name(name) | Self::QuotedName(name) => format!("\"{name}\""),
            Self::Text(_) => "a text".to_owned(),
            Self::Int(value) => format!("the number {value}"),
            Self::Double(value) => format!("the number {value}"),
            Self::Sign(sign) => format!("\"{sign}\""),
            Self::End => "the end of the expression".to_owned(),
        }
    }
}

/// Operators and brackets, longer ones first.
const SIGNS: [&str; 27] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",",
    "(", ")", "[", "]", "{", "}", "=", "&", "|",
];

/// Splits a text into tokens. The last one is `End`.
pub(super) fn split_tokens(text: &str) -> Result<Vec<PositionedToken>, ExpressionError> {
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blanks();
        let position = lexer.at + 1;
        let token = lexer.next_token().map_err(|problem| ExpressionError { position, problem })?;
        let ended = token == ExpressionToken::End;
        tokens.push(PositionedToken { position, token });
        if ended {
            return Ok(tokens);
        }
    }
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(c))
    }

    fn take_while(&mut self, accepts: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while self.peek(0).is_some_and(&accepts) {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    /// Skips white space and comments.
    fn skip_blanks(&mut self) {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}'));
            if !self.starts_with("//") {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn next_token(&mut self) -> Result<ExpressionToken, ExpressionProblem> {
        let Some(first) = self.peek(0) else { return Ok(ExpressionToken::End) };
        if first.is_ascii_digit() || first == '.' && self.is_digit(1) {
            return self.number();
        }
        if let Some(raw) = self.text_prefix(first)? {
            return self.text(raw);
        }
        if first.is_ascii_alphabetic() || first == '_' {
            let name = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
            return Ok(ExpressionToken::Name(name));
        }
        if first == '`' {
            return self.quoted_name();
        }
        match SIGNS.iter().find(|sign| self.starts_with(sign)) {
            Some(sign) => {
                self.at += sign.len();
                Ok(ExpressionToken::Sign(sign))
            }
            None => Err(ExpressionProblem::Unexpected {
                found: format!("the character {first:?}"),
                expected: "a name, a literal or an operator",
            }),
        }
    }

    fn is_digit(&self, ahead: usize) -> bool {
        self.peek(ahead).is_some_and(|c| c.is_ascii_digit())
    }

    fn quoted_name(&mut self) -> Result<ExpressionToken, ExpressionProblem> {
        self.at += 1;
        let name = self
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | ' '));
        if name.is_empty() || self.peek(0) != Some('`') {
            return Err(ExpressionProblem::Literal(
                "a name in backticks has letters, digits, spaces, \"_\", \".\", \"-\" and \"/\" only",
            ));
        }
        self.at += 1;
        Ok(ExpressionToken::QuotedName(name))
    }

    fn number(&mut self) -> Result<ExpressionToken, ExpressionProblem> {
        const MALFORMED: ExpressionProblem =
            ExpressionProblem::Literal("the number is malformed or too large");
        let hexadecimal = self.starts_with("0x");
        let mut digits = String::new();
        let mut is_decimal = false;
        if hexadecimal {
            self.at += 2;
            digits = self.take_while(|c| c.is_ascii_hexdigit());
        } else {
            digits += &self.take_while(|c| c.is_ascii_digit());
            if self.peek(0) == Some('.') && self.is_digit(1) {
                is_decimal = true;
                self.at += 1;
                digits.push('.');
                digits += &self.take_while(|c| c.is_ascii_digit());
            }
            if matches!(self.peek(0), Some('e' | 'E')) {
                is_decimal = true;
                digits += &self.exponent();
            }
        }
        if matches!(self.peek(0), Some('u' | 'U')) {
            return Err(ExpressionProblem::Unsupported(
                "unsigned numbers are not supported; leave the \"u\" out",
            ));
        }
        if self.peek(0).is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(MALFORMED);
        }
        if is_decimal {
            let value: f64 = digits.parse().map_err(|_| MALFORMED)?;
            return value.is_finite().then_some(ExpressionToken::Double(value)).ok_or(MALFORMED);
        }
        let radix = if hexadecimal { 16 } else { 10 };
        let value = u64::from_str_radix(&digits, radix).map_err(|_| MALFORMED)?;
        if value > i64::MIN.unsigned_abs() {
            return Err(MALFORMED);
        }
        Ok(ExpressionToken::Int(value))
    }

    fn exponent(&mut self) -> String {
        self.at += 1;
        let mut text = String::from("e");
        if let Some(sign @ ('+' | '-')) = self.peek(0) {
            text.push(sign);
            self.at += 1;
        }
        text + &self.take_while(|c| c.is_ascii_digit())
    }

    /// Reads the prefix of a string literal. Returns whether it is raw, or `None` if no literal begins here.
    fn text_prefix(&mut self, first: char) -> Result<Option<bool>, ExpressionProblem> {
        const QUOTES: [char; 2] = ['\'', '"'];
        let is_quote = |c: Option<char>| c.is_some_and(|c| QUOTES.contains(&c));
        if is_quote(Some(first)) {
            return Ok(Some(false));
        }
        let second_is_prefix = matches!(self.peek(1), Some('r' | 'R' | 'b' | 'B'));
        match first {
            'r' | 'R' if is_quote(self.peek(1)) => {
                self.at += 1;
                Ok(Some(true))
            }
            'b' | 'B' if is_quote(self.peek(1)) || second_is_prefix && is_quote(self.peek(2)) => {
                Err(ExpressionProblem::Unsupported(
                    "bytes are not supported; leave the \"b\" before the text out",
                ))
            }
            _ => Ok(None),
        }
    }

    fn text(&mut self, raw: bool) -> Result<ExpressionToken, ExpressionProblem> {
        let quote = self.chars[self.at];
        let triple: String = std::iter::repeat_n(quote, 3).collect();
        let end = if self.starts_with(&triple) { triple } else { quote.to_string() };
        let is_triple = end.len() == 3;
        self.at += end.len();
        let mut text = String::new();
        loop {
            if self.starts_with(&end) {
                self.at += end.len();
                return Ok(ExpressionToken::Text(text));
            }
            let next = self.peek(0).filter(|c| is_triple || !matches!(c, '\n' | '\r'));
            let Some(c) = next else {
                return Err(ExpressionProblem::Literal("the text has no closing quote"));
            };
            self.at += 1;
            if c == '\\' && !raw {
                text.push(self.escape()?);
            } else {
                text.push(c);
            }
        }
    }

    /// The character of an escape sequence after its backslash.
    fn escape(&mut self) -> Result<char, ExpressionProblem> {
        const WRONG: ExpressionProblem = ExpressionProblem::Literal(
            "the escape sequence does not exist; in patterns, write r'...' or double the backslash",
        );
        let c = self.peek(0).ok_or(WRONG)?;
        self.at += 1;
        Ok(match c {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '\\' | '\'' | '"' | '`' | '?' => c,
            'x' | 'X' => self.code_point(2, 16).ok_or(WRONG)?,
            'u' => self.code_point(4, 16).ok_or(WRONG)?,
            'U' => self.code_point(8, 16).ok_or(WRONG)?,
            '0'..='3' => {
                self.at -= 1;
                self.code_point(3, 8).ok_or(WRONG)?
            }
            _ => return Err(WRONG),
        })
    }

    fn code_point(&mut self, len: usize, radix: u32) -> Option<char> {
        let mut value = 0_u32;
        for _ in 0..len {
            let digit = self.peek(0)?.to_digit(radix)?;
            value = value.checked_mul(radix)?.checked_add(digit)?;
            self.at += 1;
        }
        char::from_u32(value)
    }
}
