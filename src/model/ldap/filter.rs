//! Search filters (RFC 4515) with placeholders for what a person typed.
//!
//! A filter is parsed once. A value takes a placeholder's place in the parsed filter and never in
//! its text, so no value can change a filter.

mod parser;

use parser::FilterParser;

/// A search filter, parsed (RFC 4515).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "RFC 4511 §4.5.1.7 has the parts of each")]
pub enum LdapFilter {
    /// All of these match.
    And(Vec<Self>),
    /// One of these matches.
    Or(Vec<Self>),
    /// The filter does not match.
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
    /// The value matches by a matching rule (RFC 4515 §3, `extensible`).
    Matches { rule: Option<Box<str>>, attribute: Option<Box<str>>, value: FilterValue, dn: bool },
}

/// A value of a filter: texts and placeholders, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterValue(Vec<FilterPiece>);

/// A part of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterPiece {
    /// Bytes as they were written.
    Bytes(Vec<u8>),
    /// `{username}`: what the person typed, or the username of the member of a group.
    Username,
    /// `{dn}`: the distinguished name of the member of a group.
    Dn,
}

/// A text that is not a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid LDAP filter at character {at}: {problem}")]
pub struct LdapFilterError {
    /// The place in characters, counted from 1.
    pub at: usize,
    /// The problem, and what to write.
    pub problem: &'static str,
}

impl FilterValue {
    /// A value of one part.
    pub fn of(piece: FilterPiece) -> Self {
        Self(vec![piece])
    }

    /// The parts of the value.
    pub fn pieces(&self) -> &[FilterPiece] {
        &self.0
    }
}

impl LdapFilter {
    /// Parses the text of a filter. White space may stand between its parts.
    pub fn parse(text: &str) -> Result<Self, LdapFilterError> {
        FilterParser::new(text).parse_whole()
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

    /// Returns true if a comparison of the filter is by this matching rule.
    pub fn uses_rule(&self, rule: &str) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(|part| part.uses_rule(rule)),
            Self::Not(part) => part.uses_rule(rule),
            Self::Matches { rule: Some(used), .. } => &**used == rule,
            _ => false,
        }
    }

    /// The filter in which every comparison with a placeholder is true. It shows whether the filter can find an entry
    /// at all.
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

#[cfg(test)]
mod tests;
