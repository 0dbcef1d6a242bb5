//! The forms of the identifiers by which providers know people, in which manifests name them.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use uuid::Uuid;

use super::LdapIdAttribute;

/// The form of a provider's identifiers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdentifierForm {
    /// Any text, compared as it is.
    #[default]
    Text,
    /// A UUID of a directory, from this attribute.
    Uuid(LdapIdAttribute),
    /// A whole number in decimal digits, without leading zeros.
    Number,
}

impl IdentifierForm {
    /// The identifier as the provider gives it. `None` if it has another form.
    ///
    /// A UUID may have capital letters, braces or no hyphens. `objectGUID` may also be what `ldapsearch` shows:
    /// the base64 of its 16 bytes, of which the first three fields are little-endian (MS-DTYP §2.3.4.2).
    pub fn canonical(self, written: &str) -> Option<Cow<'_, str>> {
        let is_number = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_digit())
                && !text.is_empty()
                && (text == "0" || !text.starts_with('0'))
        };
        match self {
            Self::Text => Some(Cow::Borrowed(written)),
            Self::Number => is_number(written).then_some(Cow::Borrowed(written)),
            Self::Uuid(attribute) => {
                let written = written.trim();
                let uuid = Uuid::try_parse(written).ok().or_else(|| match attribute {
                    LdapIdAttribute::ObjectGuid => {
                        let bytes = STANDARD.decode(written).ok()?;
                        Some(Uuid::from_bytes_le(bytes.try_into().ok()?))
                    }
                    LdapIdAttribute::EntryUuid => None,
                })?;
                Some(Cow::Owned(uuid.hyphenated().to_string()))
            }
        }
    }

    /// A correct identifier, for a message.
    pub const fn expected(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Uuid(LdapIdAttribute::EntryUuid) => {
                "the entryUUID of the entry, such as 00112233-4455-6677-8899-aabbccddeeff"
            }
            Self::Uuid(LdapIdAttribute::ObjectGuid) => {
                "the objectGUID of the entry, such as 00112233-4455-6677-8899-aabbccddeeff, or its base64"
            }
            Self::Number => "the number of the account (the member id of the API), such as 583231",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "00112233-4455-6677-8899-aabbccddeeff";

    #[test]
    fn a_uuid_has_one_spelling() {
        for attribute in [LdapIdAttribute::EntryUuid, LdapIdAttribute::ObjectGuid] {
            let form = IdentifierForm::Uuid(attribute);
            for written in [
                GUID,
                "00112233-4455-6677-8899-AABBCCDDEEFF",
                "{00112233-4455-6677-8899-AABBCCDDEEFF}",
                "00112233445566778899aabbccddeeff",
                " 00112233-4455-6677-8899-aabbccddeeff",
            ] {
                assert_eq!(form.canonical(written).as_deref(), Some(GUID), "{written}");
            }
            for wrong in ["ada", "", "cn=ada,dc=acme", "00112233-4455-6677-8899-aabbccddeef"] {
                assert_eq!(form.canonical(wrong), None, "{wrong}");
            }
        }
        // As `ldapsearch` shows the bytes 33 22 11 00 55 44 77 66 88 99 aa bb cc dd ee ff.
        let base64 = "MyIRAFVEd2aImaq7zN3u/w==";
        let guid = IdentifierForm::Uuid(LdapIdAttribute::ObjectGuid);
        assert_eq!(guid.canonical(base64).as_deref(), Some(GUID));
        assert_eq!(IdentifierForm::Uuid(LdapIdAttribute::EntryUuid).canonical(base64), None);
    }

    #[test]
    fn a_number_has_digits_only() {
        for (written, is_number) in [
            ("583231", true),
            ("0", true),
            ("octocat", false),
            ("", false),
            ("1e3", false),
            ("07", false),
        ] {
            let found = IdentifierForm::Number.canonical(written);
            assert_eq!(found.as_deref(), is_number.then_some(written), "{written}");
        }
    }

    #[test]
    fn a_text_is_compared_as_it_is() {
        for written in ["A", " a", "{7}"] {
            assert_eq!(IdentifierForm::Text.canonical(written).as_deref(), Some(written));
        }
    }
}
