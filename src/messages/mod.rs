//! The texts that people read, by language. Each text is a message with an id and named placeholders.
//!
//! `locales/en.yaml` has all messages and is what other languages fall back to. Files are parsed when they
//! are loaded; filling a message in copies its parts. An id or a placeholder that does not exist does not
//! compile.
//!
//! Must not: do I/O, or know pages.

mod catalog;
mod dates;
mod file;
mod filled;
mod ids;
mod language_tag;
mod languages;
mod message_text;
mod plural;
#[cfg(test)]
mod pseudo;

pub use catalog::MessageCatalog;
pub use file::{MessageFile, MessageFileError};
pub use filled::{EmphasisedMessage, FilledMessage};
pub use language_tag::LanguageTag;
pub use languages::{LanguagePreferences, Languages, message_template};

#[cfg(test)]
mod tests;
