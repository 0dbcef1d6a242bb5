//! Entries of a directory and the values of their attributes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use uuid::Uuid;

use super::fault::DirectoryFault;
use crate::model::{LdapIdAttribute, value_in_first_rdn};

/// An entry as the server sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LdapEntry {
    pub(super) dn: String,
    pub(super) attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl LdapEntry {
    /// The values of an attribute, whose name may have any case.
    pub(super) fn values(&self, attribute: &str) -> &[Vec<u8>] {
        let found = self.attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(attribute));
        found.map_or(&[], |(_, values)| values)
    }

    /// The text values of an attribute; bytes that are not text in base64.
    pub(super) fn texts(&self, attribute: &str) -> Vec<String> {
        self.values(attribute).iter().map(|value| text_of(value)).collect()
    }

    /// The only text value of an attribute, or of several the one in the entry's name.
    pub(super) fn name_by(&self, attribute: &str) -> Result<String, DirectoryFault> {
        let values = self.values(attribute);
        let texts = || values.iter().filter_map(|value| std::str::from_utf8(value).ok());
        let name = match values {
            [] => return Err(DirectoryFault::NoName { attribute: attribute.to_owned() }),
            [_] => texts().next().map(str::to_owned),
            _ => value_in_first_rdn(&self.dn, attribute).filter(|it| texts().any(|x| x == it)),
        };
        name.filter(|name| !name.trim().is_empty())
            .ok_or_else(|| DirectoryFault::AmbiguousName { attribute: attribute.to_owned() })
    }

    /// The identifier of the entry in its canonical form.
    pub(super) fn identifier(&self, attribute: LdapIdAttribute) -> Result<String, DirectoryFault> {
        let uuid = match self.values(attribute.as_str()) {
            [value] => parse_identifier(attribute, value),
            _ => None,
        };
        uuid.map(|uuid| uuid.hyphenated().to_string())
            .ok_or(DirectoryFault::NoIdentifier { attribute: attribute.as_str() })
    }

    /// An attribute of which the server sent a part only (`member;range=0-1499`).
    pub(super) fn cut_attribute(&self) -> Option<&str> {
        self.attributes.iter().map(|(name, _)| name.as_str()).find(|name| {
            let options = name.split(';').skip(1);
            options.map(str::to_ascii_lowercase).any(|option| option.starts_with("range="))
        })
    }
}

fn text_of(value: &[u8]) -> String {
    std::str::from_utf8(value).map_or_else(|_| STANDARD.encode(value), str::to_owned)
}

/// `entryUUID` is text; `objectGUID` is 16 bytes whose first three fields are little-endian.
fn parse_identifier(attribute: LdapIdAttribute, value: &[u8]) -> Option<Uuid> {
    match attribute {
        LdapIdAttribute::EntryUuid => Uuid::try_parse_ascii(value).ok(),
        LdapIdAttribute::ObjectGuid => Some(Uuid::from_bytes_le(value.try_into().ok()?)),
    }
}

/// The bytes that a filter compares an identifier with; `None` if it is not one.
pub(super) fn identifier_bytes(attribute: LdapIdAttribute, id: &str) -> Option<Vec<u8>> {
    let uuid = Uuid::try_parse(id).ok()?;
    Some(match attribute {
        LdapIdAttribute::EntryUuid => uuid.hyphenated().to_string().into_bytes(),
        LdapIdAttribute::ObjectGuid => uuid.to_bytes_le().to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(attributes: &[(&str, &[&[u8]])]) -> LdapEntry {
        let values = |values: &[&[u8]]| values.iter().map(|value| value.to_vec()).collect();
        LdapEntry {
            dn: "uid=ada,ou=people".to_owned(),
            attributes: attributes
                .iter()
                .map(|(name, v)| ((*name).to_owned(), values(v)))
                .collect(),
        }
    }

    #[test]
    fn an_object_guid_is_mixed_endian() {
        let bytes = [
            0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd,
            0xee, 0xff,
        ];
        let text = "00112233-4455-6677-8899-aabbccddeeff";
        let it = entry(&[("ObjectGUID", &[&bytes])]);
        assert_eq!(it.identifier(LdapIdAttribute::ObjectGuid).as_deref(), Ok(text));
        assert_eq!(identifier_bytes(LdapIdAttribute::ObjectGuid, text), Some(bytes.to_vec()));
        let it = entry(&[("entryUUID", &[b"00112233-4455-6677-8899-AABBCCDDEEFF"])]);
        assert_eq!(it.identifier(LdapIdAttribute::EntryUuid).as_deref(), Ok(text));
    }

    #[test]
    fn a_wrong_identifier_is_a_fault() {
        for it in [
            entry(&[]),
            entry(&[("objectGUID", &[b"short"])]),
            entry(&[("objectGUID", &[&[0; 16], &[1; 16]])]),
        ] {
            assert!(it.identifier(LdapIdAttribute::ObjectGuid).is_err(), "{it:?}");
        }
        assert_eq!(identifier_bytes(LdapIdAttribute::EntryUuid, "ada"), None);
    }

    #[test]
    fn the_name_in_the_dn_is_used_among_several() {
        let name = |attribute: &str, values: &[&[u8]]| {
            entry(&[(attribute, values)]).name_by(&attribute.to_ascii_lowercase())
        };
        assert_eq!(name("UID", &[b"one"]).as_deref(), Ok("one"));
        assert_eq!(name("uid", &[b"one", b"ada"]).as_deref(), Ok("ada"));
        let ambiguous =
            |attribute: &str| DirectoryFault::AmbiguousName { attribute: attribute.into() };
        assert_eq!(name("uid", &[b"one", b"two"]), Err(ambiguous("uid")));
        assert_eq!(name("cn", &[b"one", b"two"]), Err(ambiguous("cn")));
        assert_eq!(name("uid", &[&[0xff]]), Err(ambiguous("uid")));
        assert_eq!(name("uid", &[b" "]), Err(ambiguous("uid")));
        assert_eq!(name("uid", &[]), Err(DirectoryFault::NoName { attribute: "uid".into() }));
    }

    #[test]
    fn a_part_of_an_attribute_is_noticed() {
        assert_eq!(entry(&[("memberOf", &[])]).cut_attribute(), None);
        let cut = entry(&[("memberOf", &[]), ("memberOf;Range=0-1499", &[b"x"])]);
        assert_eq!(cut.cut_attribute(), Some("memberOf;Range=0-1499"));
        assert_eq!(entry(&[("jpegPhoto", &[&[0xff]])]).texts("jpegphoto"), ["/w=="]);
    }
}
