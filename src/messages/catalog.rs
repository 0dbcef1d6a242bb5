//! The messages of one language.

use std::sync::Arc;

use super::{
    filled::{FilledMessage, MAX_PLACEHOLDERS, MessagePart},
    language_tag::LanguageTag,
    message_text::MessageText,
    plural::{PluralRule, plural_rule},
};

/// The messages of one language. There is a method for each message.
#[derive(Clone, Debug)]
pub struct MessageCatalog {
    tag: LanguageTag,
    rule: PluralRule,
    /// The texts of the messages, by the number of the message.
    texts: Box<[Arc<MessageText>]>,
}

impl PartialEq for MessageCatalog {
    fn eq(&self, other: &Self) -> bool {
        // The rule follows from the tag.
        self.tag == other.tag && self.texts == other.texts
    }
}

impl Eq for MessageCatalog {}

impl MessageCatalog {
    /// The messages of a file, which has all of them.
    pub(super) fn complete(tag: LanguageTag, texts: Vec<Option<MessageText>>) -> Option<Self> {
        let texts: Option<_> = texts.into_iter().map(|text| text.map(Arc::new)).collect();
        Some(Self { rule: plural_rule(tag.language()), tag, texts: texts? })
    }

    /// The messages of a file. The others are those of `base`.
    pub(super) fn over(&self, tag: LanguageTag, texts: &[Option<MessageText>]) -> Self {
        let texts = texts.iter().zip(&self.texts).map(|(text, base)| {
            text.as_ref().map_or_else(|| Arc::clone(base), |text| Arc::new(text.clone()))
        });
        Self { rule: plural_rule(tag.language()), tag, texts: texts.collect() }
    }

    /// The tag of the language.
    pub const fn tag(&self) -> &LanguageTag {
        &self.tag
    }

    /// The value of the attribute `lang`.
    pub fn lang(&self) -> &str {
        self.tag.as_str()
    }

    /// The value of the attribute `dir`.
    pub fn direction(&self) -> &'static str {
        self.tag.direction()
    }

    /// The text of a message without placeholders, by its number in the table.
    pub(super) fn words(&self, id: usize) -> &str {
        match self.parts(id, 0) {
            [MessagePart::Text(text)] => text,
            _ => "",
        }
    }

    /// A message with its values, in the order of its placeholders.
    pub(super) fn filled<'a>(
        &'a self,
        id: usize,
        given: &[&'a str],
        count: u64,
    ) -> FilledMessage<'a> {
        let mut values = [""; MAX_PLACEHOLDERS];
        values[..given.len()].copy_from_slice(given);
        FilledMessage { parts: self.parts(id, count), values, count }
    }

    fn parts(&self, id: usize, count: u64) -> &[MessagePart] {
        match &*self.texts[id] {
            MessageText::Single(parts) => parts,
            MessageText::Plural(plural) => {
                let form = plural.forms[(self.rule)(count) as usize].as_ref();
                form.unwrap_or(&plural.other)
            }
        }
    }
}
