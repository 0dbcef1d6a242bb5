//! Search filters (RFC 4515) with placeholders for what a person typed.
//!
//! A filter is parsed once. A value takes a placeholder's place in the parsed filter and never in
//! its text, so no value can change a filter.

use super::{is_ldap_attribute, is_object_identifier, name::hex_digit};

/// Most levels of `&`, `|` and `!`.
const MAX_DEPTH: usize = 10;

/// A search filter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "RFC 4511 §4.5.1.7 has the parts of each")]
pub enum LdapFilter {
    /// All of these match.
    And(Vec<Self>),
    /// One of these matches.
    Or(Vec<Self>),
    /// This does not match.
    Not(Box<Self>),
    /// The attribute has the value.
    Equal { attribute: Box<str>, value: FilterValue },
    /// The attribute has a value with these parts in this order.
    Substrings { attribute: Box<str>, first: Vec<u8>, middle: Vec<Vec<u8>>, last: Vec<u8> },
    /// The attribute is at least the value.
    AtLeast { attribute: Box<str>, value: FilterValue },
    /// The attribute is at most the value.
    AtMost { attribute: Box<str>, value: FilterValue },
    /// The attribute is about the value.
    Approximately { attribute: Box<str>, value: FilterValue },
    /// The entry has the attribute.
    Present(Box<str>),
    /// A matching rule decides.
    Matches { rule: Option<Box<str>>, attribute: Option<Box<str>>, value: FilterValue, dn: bool },
}

/// A value of a filter: texts and placeholders, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterValue(Vec<FilterPiece>);

/// A part of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterPiece {
    /// These bytes.
    Bytes(Vec<u8>),
    /// `{username}`: what the person typed, or the username of the member of a group.
    Username,
    /// `{dn}`: the distinguished name of the member of a group.
    Dn,
}

/// A text that is not a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not an LDAP filter at character {at}: {problem}")]
pub struct LdapFilterError {
    /// The place, counted from 1.
    pub at: usize,
    /// The problem, and what to write.
    pub problem: &'static str,
}

impl FilterValue {
    /// A value of one part.
    pub fn of(piece: FilterPiece) -> Self {
        Self(vec![piece])
    }

    /// Its parts.
    pub fn pieces(&self) -> &[FilterPiece] {
        &self.0
    }
}

impl LdapFilter {
    /// Parses the text of a filter. White space may stand between its parts.
    pub fn parse(text: &str) -> Result<Self, LdapFilterError> {
        let mut parser = Parser { text, at: 0 };
        let filter = parser.filter(0)?;
        parser.skip_space();
        if parser.at < text.len() {
            return Err(parser.error("write nothing after the last closing parenthesis"));
        }
        Ok(filter)
    }

    /// A filter for an attribute with exactly these bytes.
    pub fn equal_bytes(attribute: &str, bytes: Vec<u8>) -> Self {
        let value = FilterValue::of(FilterPiece::Bytes(bytes));
        Self::Equal { attribute: attribute.into(), value }
    }

    /// A filter by a matching rule.
    pub fn matching(rule: &str, attribute: Box<str>, value: FilterValue) -> Self {
        Self::Matches { rule: Some(rule.into()), attribute: Some(attribute), value, dn: false }
    }

    /// Returns true if the filter has a placeholder.
    pub fn has_placeholder(&self) -> bool {
        self.contains(&|piece| !matches!(piece, FilterPiece::Bytes(_)))
    }

    /// Returns true if the filter has this placeholder.
    pub fn names(&self, placeholder: &FilterPiece) -> bool {
        self.contains(&|piece| piece == placeholder)
    }

    /// The filter with every comparison to a placeholder met, which says whether an entry is one of
    /// those that the filter can find.
    #[must_use]
    pub fn without_placeholders(&self) -> Self {
        let each = |parts: &[Self]| parts.iter().map(Self::without_placeholders).collect();
        match self {
            Self::And(parts) => Self::And(each(parts)),
            Self::Or(parts) => Self::Or(each(parts)),
            Self::Not(part) if !part.has_placeholder() => self.clone(),
            _ if self.has_placeholder() => Self::Present("objectClass".into()),
            _ => self.clone(),
        }
    }

    fn contains(&self, found: &dyn Fn(&FilterPiece) -> bool) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(|part| part.contains(found)),
            Self::Not(part) => part.contains(found),
            Self::Equal { value, .. }
            | Self::AtLeast { value, .. }
            | Self::AtMost { value, .. }
            | Self::Approximately { value, .. }
            | Self::Matches { value, .. } => value.0.iter().any(found),
            Self::Substrings { .. } | Self::Present(_) => false,
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
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

#[cfg(test)]
mod tests;
