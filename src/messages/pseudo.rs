//! Messages without letters, by which tests recognise texts that are not of the catalogue.

use super::{
    LanguageTag, Languages, MessageCatalog, MessageFile, filled::MessagePart,
    message_text::MessageText,
};

impl MessageCatalog {
    /// English with a mark for the words between placeholders.
    pub(crate) fn pseudo() -> Self {
        let tag = LanguageTag::parse("en-x-pseudo").expect("a tag");
        let english = super::message_template(&tag);
        let mut file = MessageFile::parse(english).0;
        for text in file.texts.iter_mut().flatten() {
            match text {
                MessageText::Single(parts) => mark(parts),
                MessageText::Plural(plural) => {
                    mark(&mut plural.other);
                    plural.forms.iter_mut().flatten().for_each(|parts| mark(parts));
                }
            }
        }
        Languages::built_in().english().over(tag, &file.texts)
    }
}

fn mark(parts: &mut [MessagePart]) {
    for part in parts {
        if let MessagePart::Text(text) = part {
            *text = "\u{203b}".into();
        }
    }
}
