//! A message in which values have taken the places of placeholders.

use std::fmt;

/// Most placeholders of a message, apart from the number that it depends on.
pub(super) const MAX_PLACEHOLDERS: usize = 4;

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MessagePart {
    /// Words between placeholders.
    Text(Box<str>),
    /// The value of the placeholder with this number.
    Value(usize),
    /// The number that the message depends on.
    Count,
}

/// A message with its values. It is written as plain text.
#[derive(Clone, Copy, Debug)]
pub struct FilledMessage<'a> {
    pub(super) parts: &'a [MessagePart],
    pub(super) values: [&'a str; MAX_PLACEHOLDERS],
    pub(super) count: u64,
}

impl<'a> FilledMessage<'a> {
    /// The message as HTML with its values emphasised.
    #[must_use]
    pub const fn emphasised(self) -> EmphasisedMessage<'a> {
        EmphasisedMessage(self)
    }
}

impl fmt::Display for FilledMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.parts {
            match part {
                MessagePart::Text(text) => f.write_str(text)?,
                MessagePart::Value(at) => f.write_str(self.values[*at])?,
                MessagePart::Count => write!(f, "{}", self.count)?,
            }
        }
        Ok(())
    }
}

/// A message as HTML: words and values are escaped, and each value is emphasised by `strong`.
#[derive(Clone, Copy, Debug)]
pub struct EmphasisedMessage<'a>(FilledMessage<'a>);

impl askama::filters::HtmlSafe for EmphasisedMessage<'_> {}

impl fmt::Display for EmphasisedMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.parts {
            match part {
                MessagePart::Text(text) => write_escaped(f, text)?,
                MessagePart::Value(at) => {
                    f.write_str("<strong>")?;
                    write_escaped(f, self.0.values[*at])?;
                    f.write_str("</strong>")?;
                }
                MessagePart::Count => write!(f, "<strong>{}</strong>", self.0.count)?,
            }
        }
        Ok(())
    }
}

fn write_escaped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.find(['<', '>', '&', '"', '\'']) {
        f.write_str(&rest[..at])?;
        let escaped = match rest.as_bytes()[at] {
            b'<' => "&#60;",
            b'>' => "&#62;",
            b'&' => "&#38;",
            b'"' => "&#34;",
            _ => "&#39;",
        };
        f.write_str(escaped)?;
        rest = &rest[at + 1..];
    }
    f.write_str(rest)
}
