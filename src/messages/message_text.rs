//! A message of one language, parsed.

use super::{filled::MessagePart, plural::PluralCategory};

/// A text as its parts: words, and placeholders.
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
