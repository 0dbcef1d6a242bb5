//! The messages of one language.

use std::sync::Arc;

use super::{
    file::MessageFile,
    filled::{FilledMessage, MAX_PLACEHOLDERS, MessagePart},
    ids::{MESSAGES, MessageId},
    language_tag::LanguageTag,
    plural::{PluralCategory, PluralRule, plural_rule},
};

/// The parts of a text.
pub(super) type MessageParts = Box<[MessagePart]>;

/// A message of one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MessageText {
    /// The same for all numbers.
    Single(MessageParts),
    /// A form for each plural category, in the order of `PluralCategory::ALL`.
    Plural(Box<PluralForms>),
}

/// The forms of a message that depends on a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PluralForms {
    /// The form of all numbers without a form of their own.
    pub(super) other: MessageParts,
    /// The forms of the categories.
    pub(super) forms: [Option<MessageParts>; PluralCategory::ALL.len()],
}

/// The messages of one language. There is a method for each message.
#[derive(Clone, Debug)]
pub struct MessageCatalog {
    tag: LanguageTag,
    rule: PluralRule,
    /// In the order of `MESSAGES`.
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
    pub(super) fn complete(tag: LanguageTag, file: MessageFile) -> Option<Self> {
        let texts: Option<_> = file.texts.into_iter().map(|text| text.map(Arc::new)).collect();
        Some(Self { rule: plural_rule(tag.language()), tag, texts: texts? })
    }

    /// The messages of a file. The others are those of `base`.
    pub(super) fn over(&self, tag: LanguageTag, file: &MessageFile) -> Self {
        let texts = file.texts.iter().zip(&self.texts).map(|(text, base)| {
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

    /// A message without placeholders.
    pub(super) fn words(&self, id: MessageId) -> &str {
        match self.parts(id, 0) {
            [MessagePart::Text(text)] => text,
            _ => MESSAGES[id as usize].id,
        }
    }

    /// A message with its values, in the order of its placeholders.
    pub(super) fn filled<'a>(
        &'a self,
        id: MessageId,
        given: &[&'a str],
        count: u64,
    ) -> FilledMessage<'a> {
        let mut values = [""; MAX_PLACEHOLDERS];
        values[..given.len()].copy_from_slice(given);
        FilledMessage { parts: self.parts(id, count), values, count }
    }

    fn parts(&self, id: MessageId, count: u64) -> &[MessagePart] {
        match &*self.texts[id as usize] {
            MessageText::Single(parts) => parts,
            MessageText::Plural(plural) => {
                let form = plural.forms[(self.rule)(count) as usize].as_ref();
                form.unwrap_or(&plural.other)
            }
        }
    }
}
