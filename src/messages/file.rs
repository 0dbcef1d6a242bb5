//! Files of messages: YAML with a text for each id.

use serde_yaml::{Mapping, Value};

use super::{
    filled::MessagePart,
    ids::{MESSAGES, MessageShape},
    message_text::{MessageParts, MessageText, PluralForms},
    plural::PluralCategory,
};

/// The maximum size of a file in bytes.
const MAX_FILE_LEN: usize = 256 * 1024;
/// Most bytes of a text: about twice the longest of the English ones.
const MAX_TEXT_LEN: usize = 1000;

/// The messages of a file that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageFile {
    /// The texts in the order of `MESSAGES`; `None` for a message that the file lacks.
    pub(super) texts: Vec<Option<MessageText>>,
}

/// A part of a file that cannot be used. The rest is not affected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum MessageFileError {
    /// The file is not YAML, or not a mapping.
    #[error("it is not a YAML mapping of message ids to texts: {0}")]
    Unreadable(String),
    /// The file is too long.
    #[error("it has more than 256 KiB")]
    FileTooLong,
    /// An id that no message has.
    #[error("there is no message {0}; `lanyard messages` prints all")]
    UnknownMessage(String),
    /// A value that is not a text, or not a mapping of forms to texts.
    #[error("{0} has to be a text in quotes")]
    NotText(&'static str),
    /// Forms for a message that does not depend on a number.
    #[error("{0} does not depend on a number, so it has one text and no plural forms")]
    NotPlural(&'static str),
    /// A form that is not one of CLDR.
    #[error("{id} has the form {form}; the forms are zero, one, two, few, many and other")]
    UnknownForm { id: &'static str, form: String },
    /// The form of all numbers without one of their own.
    #[error("{0} needs the form other")]
    NoOtherForm(&'static str),
    /// A text without letters.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// A text beyond the limit.
    #[error("{0} has more than 1000 bytes")]
    TooLong(&'static str),
    /// A character that is not visible.
    #[error("{0} has a line break or a control character")]
    ControlCharacter(&'static str),
    /// A brace that belongs to no placeholder.
    #[error("{0} has a brace that is not part of a placeholder such as {{name}}")]
    Brace(&'static str),
    /// A placeholder that the message does not have.
    #[error("{id} has no placeholder {{{name}}}; it has {known}")]
    UnknownPlaceholder { id: &'static str, name: String, known: String },
    /// A placeholder whose value would not be shown.
    #[error("{id} lacks the placeholder {{{name}}}")]
    MissingPlaceholder { id: &'static str, name: &'static str },
}

impl MessageFileError {
    /// Whether no message of the file can be used.
    pub const fn is_about_whole_file(&self) -> bool {
        matches!(self, Self::Unreadable(_) | Self::FileTooLong)
    }
}

impl MessageFile {
    /// Parses a file. Each part that cannot be used is left out and has an error.
    pub fn parse(text: &str) -> (Self, Vec<MessageFileError>) {
        let mut file = Self { texts: vec![None; MESSAGES.len()] };
        let mapping = match parse_mapping(text) {
            Ok(mapping) => mapping,
            Err(error) => return (file, vec![error]),
        };
        let mut errors = Vec::new();
        for (key, value) in mapping {
            let id = key.as_str().map_or_else(|| format!("{key:?}"), str::to_owned);
            let Some(at) = MESSAGES.iter().position(|message| message.id == id) else {
                errors.push(MessageFileError::UnknownMessage(shortened(&id)));
                continue;
            };
            match parse_message(&MESSAGES[at], &value) {
                Ok(text) => file.texts[at] = Some(text),
                Err(error) => errors.push(error),
            }
        }
        (file, errors)
    }

    /// The ids of the messages that the file lacks.
    pub fn missing(&self) -> impl Iterator<Item = &'static str> {
        let lacks = self.texts.iter().zip(MESSAGES).filter(|(text, _)| text.is_none());
        lacks.map(|(_, message)| message.id)
    }
}

fn parse_mapping(text: &str) -> Result<Mapping, MessageFileError> {
    if text.len() > MAX_FILE_LEN {
        return Err(MessageFileError::FileTooLong);
    }
    match serde_yaml::from_str(text) {
        Ok(Value::Mapping(mapping)) => Ok(mapping),
        Ok(Value::Null) => Ok(Mapping::new()),
        Ok(_) => Err(MessageFileError::Unreadable("it is another value".to_owned())),
        Err(error) => Err(MessageFileError::Unreadable(error.to_string())),
    }
}

/// An id as a problem shows it.
fn shortened(id: &str) -> String {
    id.chars().take(80).collect()
}

fn parse_message(message: &MessageShape, value: &Value) -> Result<MessageText, MessageFileError> {
    let id = message.id;
    let forms = match value {
        Value::String(text) => return Ok(MessageText::Single(parse_text(message, text)?)),
        Value::Mapping(forms) if message.is_counted => forms,
        Value::Mapping(_) => return Err(MessageFileError::NotPlural(id)),
        _ => return Err(MessageFileError::NotText(id)),
    };
    let mut parsed: [Option<MessageParts>; 6] = Default::default();
    for (form, text) in forms {
        let form = form.as_str().unwrap_or_default();
        let Some(category) = PluralCategory::ALL.into_iter().find(|it| it.as_str() == form) else {
            return Err(MessageFileError::UnknownForm { id, form: shortened(form) });
        };
        let text = text.as_str().ok_or(MessageFileError::NotText(id))?;
        parsed[category as usize] = Some(parse_text(message, text)?);
    }
    let other = parsed[PluralCategory::Other as usize].take();
    let other = other.ok_or(MessageFileError::NoOtherForm(id))?;
    Ok(MessageText::Plural(Box::new(PluralForms { other, forms: parsed })))
}

fn parse_text(message: &MessageShape, text: &str) -> Result<MessageParts, MessageFileError> {
    let id = message.id;
    if text.trim().is_empty() {
        return Err(MessageFileError::Empty(id));
    }
    if text.len() > MAX_TEXT_LEN {
        return Err(MessageFileError::TooLong(id));
    }
    if text.chars().any(char::is_control) {
        return Err(MessageFileError::ControlCharacter(id));
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, placeholder) = rest.split_at(at);
        let placeholder = placeholder.strip_prefix('{').ok_or(MessageFileError::Brace(id))?;
        let (name, after) = placeholder.split_once('}').ok_or(MessageFileError::Brace(id))?;
        push_words(&mut parts, before);
        parts.push(message.part(name).ok_or_else(|| MessageFileError::UnknownPlaceholder {
            id,
            name: shortened(name),
            known: message.known(),
        })?);
        rest = after;
    }
    push_words(&mut parts, rest);
    for (at, name) in message.placeholders.iter().enumerate() {
        if !parts.contains(&MessagePart::Value(at)) {
            return Err(MessageFileError::MissingPlaceholder { id, name });
        }
    }
    Ok(parts.into())
}

fn push_words(parts: &mut Vec<MessagePart>, words: &str) {
    if !words.is_empty() {
        parts.push(MessagePart::Text(words.into()));
    }
}

impl MessageShape {
    fn part(&self, name: &str) -> Option<MessagePart> {
        if self.is_counted && name == "count" {
            return Some(MessagePart::Count);
        }
        self.placeholders.iter().position(|known| *known == name).map(MessagePart::Value)
    }

    /// The placeholders that a text may have, for a message.
    fn known(&self) -> String {
        let count = self.is_counted.then_some("count");
        let names: Vec<_> =
            self.placeholders.iter().copied().chain(count).map(|it| format!("{{{it}}}")).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }
}
