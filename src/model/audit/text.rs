//! Text of audit lines: bounded, and without characters that hide others.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::model::invisible_characters::INVISIBLE_RANGES;

/// Ends a text that was cut.
const ELLIPSIS: char = '…';

/// Text of at most `MAX` characters. Control characters and invisible ones are escaped, such as
/// `\u{202e}`. A longer text ends in `…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct AuditText<'a, const MAX: usize = 256>(Cow<'a, str>);

/// The cause of a refusal or failure, in words.
pub type AuditCause<'a> = AuditText<'a, 512>;

impl<'a, const MAX: usize> AuditText<'a, MAX> {
    /// Escapes a text and cuts it to `MAX` characters.
    pub fn new(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        let is_plain = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if is_plain && text.len() <= MAX {
            return Self(text);
        }
        let mut escaped = text.chars().flat_map(escape);
        let mut bounded: String = escaped.by_ref().take(MAX).collect();
        if escaped.next().is_some() {
            bounded.pop();
            bounded.push(ELLIPSIS);
        }
        Self(bounded.into())
    }

    /// The text, bounded and escaped.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn escape(character: char) -> impl Iterator<Item = char> {
    let is_invisible = |(first, last): &(char, char)| (*first..=*last).contains(&character);
    let hides = character.is_control() || INVISIBLE_RANGES.iter().any(is_invisible);
    let escaped = hides.then(|| character.escape_unicode()).into_iter().flatten();
    escaped.chain((!hides).then_some(character))
}

impl<const MAX: usize> JsonSchema for AuditText<'_, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Text{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "maxLength": MAX})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_bounded_and_shows_hidden_characters() {
        let text = |text: &'static str| AuditText::<8>::new(text);
        assert_eq!(text("ada").as_str(), "ada");
        assert_eq!(text("12345678").as_str(), "12345678");
        assert_eq!(text("123456789").as_str(), "1234567…");
        assert_eq!(text("äöüäöüäö").as_str(), "äöüäöüäö", "characters are counted");
        assert_eq!(text("a\nb").as_str(), "a\\u{a}b");
        assert_eq!(AuditText::<64>::new("a\u{202e}b").as_str(), "a\\u{202e}b");
        assert!(AuditText::<8>::new("\u{202e}".repeat(9_000)).as_str().chars().count() == 8);
    }
}
