//! The parser of filters (RFC 4515). Its depth is limited.

use super::{FilterPiece, FilterValue, LdapFilter, LdapFilterError};
use crate::model::ldap::{is_ldap_attribute, is_object_identifier, name::hex_digit};

/// Most levels of `&`, `|` and `!`.
const MAX_DEPTH: usize = 10;

/// Reads the text of a filter from left to right.
pub(super) struct FilterParser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> FilterParser<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The filter, after which there is nothing.
    pub(super) fn parse_whole(mut self) -> Result<LdapFilter, LdapFilterError> {
        let filter = self.filter(0)?;
        self.skip_space();
        if self.at < self.text.len() {
            return Err(self.error("write nothing after the last closing parenthesis"));
        }
        Ok(filter)
    }

    fn error(&self, problem: &'static str) -> LdapFilterError {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        LdapFilterError { at: before.chars().count() + 1, problem }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at +=
            self.rest().len() - self.rest().trim_start_matches([' ', '\n', '\r', '\t']).len();
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    fn filter(&mut self, depth: usize) -> Result<LdapFilter, LdapFilterError> {
        self.skip_space();
        if depth > MAX_DEPTH {
            return Err(self.error("it has more than 10 levels"));
        }
        if !self.take("(") {
            return Err(self.error("write an opening parenthesis, as in (uid={username})"));
        }
        self.skip_space();
        let filter = if self.take("&") {
            LdapFilter::And(self.filters(depth)?)
        } else if self.take("|") {
            LdapFilter::Or(self.filters(depth)?)
        } else if self.take("!") {
            LdapFilter::Not(Box::new(self.filter(depth + 1)?))
        } else {
            self.item()?
        };
        self.skip_space();
        if !self.take(")") {
            return Err(self.error("write a closing parenthesis"));
        }
        Ok(filter)
    }

    fn filters(&mut self, depth: usize) -> Result<Vec<LdapFilter>, LdapFilterError> {
        let mut parts = Vec::new();
        loop {
            self.skip_space();
            if self.rest().starts_with(')') && !parts.is_empty() {
                return Ok(parts);
            }
            parts.push(self.filter(depth + 1)?);
        }
    }

    fn item(&mut self) -> Result<LdapFilter, LdapFilterError> {
        let Some(equals) = self.rest().find(['=', '(', ')']) else {
            return Err(self.error("write an attribute, = and a value"));
        };
        let head = &self.rest()[..equals];
        if !self.rest()[equals..].starts_with('=') {
            return Err(self.error("write an attribute, = and a value"));
        }
        let start = self.at;
        let operator = head.chars().next_back().filter(|c| matches!(c, '>' | '<' | '~' | ':'));
        let name = head.strip_suffix(['>', '<', '~', ':']).unwrap_or(head).trim();
        self.at += equals + 1;
        if operator == Some(':') {
            return self.matching_rule(name, start);
        }
        if !is_ldap_attribute(name) {
            self.at = start;
            return Err(self.error("an attribute is a name such as uid, or an OID"));
        }
        let attribute = Box::from(name);
        if operator.is_none() {
            return self.equality(attribute);
        }
        let value = self.value()?;
        Ok(match operator {
            Some('>') => LdapFilter::AtLeast { attribute, value },
            Some('<') => LdapFilter::AtMost { attribute, value },
            _ => LdapFilter::Approximately { attribute, value },
        })
    }

    /// `attribute:dn:rule:=value`, each part of which may be missing, but not all.
    fn matching_rule(&mut self, head: &str, start: usize) -> Result<LdapFilter, LdapFilterError> {
        let mut parts = head.split(':');
        let attribute = parts.next().filter(|name| !name.is_empty());
        let mut next = parts.next();
        let dn = next.is_some_and(|part| part.eq_ignore_ascii_case("dn"));
        if dn {
            next = parts.next();
        }
        let valid = attribute.is_none_or(is_ldap_attribute)
            && next.is_none_or(|rule| is_object_identifier(rule) || is_ldap_attribute(rule))
            && (attribute.is_some() || next.is_some())
            && parts.next().is_none();
        if !valid {
            self.at = start;
            return Err(self.error("a matching rule is written as attribute:rule:=value"));
        }
        let (rule, attribute) = (next.map(Box::from), attribute.map(Box::from));
        Ok(LdapFilter::Matches { rule, attribute, value: self.value()?, dn })
    }

    /// The value after `=`: a value, `*`, or parts between asterisks.
    fn equality(&mut self, attribute: Box<str>) -> Result<LdapFilter, LdapFilterError> {
        let mut parts = vec![self.value()?];
        while self.take("*") {
            parts.push(self.value()?);
        }
        if parts.len() == 1 {
            return Ok(LdapFilter::Equal { attribute, value: parts.remove(0) });
        }
        let mut bytes = Vec::with_capacity(parts.len());
        for part in parts {
            match part.0.as_slice() {
                [] => bytes.push(Vec::new()),
                [FilterPiece::Bytes(text)] => bytes.push(text.clone()),
                _ => return Err(self.error("a placeholder cannot stand in a value with *")),
            }
        }
        let last = bytes.pop().unwrap_or_default();
        let first = bytes.remove(0);
        if bytes.is_empty() && first.is_empty() && last.is_empty() {
            return Ok(LdapFilter::Present(attribute));
        }
        if bytes.iter().any(Vec::is_empty) {
            return Err(self.error("write a value between two asterisks"));
        }
        Ok(LdapFilter::Substrings { attribute, first, middle: bytes, last })
    }

    /// A value up to `)` or `*`, which are not taken.
    fn value(&mut self) -> Result<FilterValue, LdapFilterError> {
        let (mut pieces, mut bytes) = (Vec::new(), Vec::new());
        while let Some(c) = self.rest().chars().next() {
            match c {
                ')' | '*' => break,
                '(' => return Err(self.error("write a parenthesis in a value as \\28 or \\29")),
                '\0' => return Err(self.error("write a zero in a value as \\00")),
                '\\' => bytes.push(self.escape()?),
                '{' | '}' => {
                    let piece = self.placeholder()?;
                    if !bytes.is_empty() {
                        pieces.push(FilterPiece::Bytes(std::mem::take(&mut bytes)));
                    }
                    pieces.push(piece);
                }
                _ => {
                    bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
                    self.at += c.len_utf8();
                }
            }
        }
        if !bytes.is_empty() {
            pieces.push(FilterPiece::Bytes(bytes));
        }
        Ok(FilterValue(pieces))
    }

    fn escape(&mut self) -> Result<u8, LdapFilterError> {
        let digits = self.rest().as_bytes().get(1..3).map(|pair| (pair[0], pair[1]));
        let byte = digits.and_then(|(high, low)| Some(hex_digit(high)? << 4 | hex_digit(low)?));
        let byte = byte.ok_or_else(|| self.error("write two hexadecimal digits after \\"))?;
        self.at += 3;
        Ok(byte)
    }

    fn placeholder(&mut self) -> Result<FilterPiece, LdapFilterError> {
        for (text, piece) in [("{username}", FilterPiece::Username), ("{dn}", FilterPiece::Dn)] {
            if self.take(text) {
                return Ok(piece);
            }
        }
        Err(self.error("placeholders are {username} and {dn}; write a brace as \\7b or \\7d"))
    }
}
