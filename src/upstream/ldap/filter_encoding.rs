//! Filters as they are sent (RFC 4511 §4.5.1.7), with the values of their placeholders.

use super::ber::{OCTET_STRING, SEQUENCE, encode_element, encode_elements};
use crate::model::{FilterPiece, FilterValue, LdapFilter};

/// The values of a filter's placeholders.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PlaceholderValues<'a> {
    pub(super) username: &'a str,
    pub(super) dn: &'a str,
}

/// A filter and the values of its placeholders. With several, one of them has to match.
#[derive(Clone, Copy, Debug)]
pub(super) struct FilterWithValues<'a> {
    pub(super) filter: &'a LdapFilter,
    pub(super) values: &'a [PlaceholderValues<'a>],
}

impl FilterWithValues<'_> {
    pub(super) fn bytes(&self) -> Vec<u8> {
        match self.values {
            [] => filter_bytes(self.filter, PlaceholderValues::default()),
            [values] => filter_bytes(self.filter, *values),
            several => {
                let each = several.iter().map(|values| filter_bytes(self.filter, *values));
                encode_elements(0xa1, &each.collect::<Vec<_>>())
            }
        }
    }
}

fn filter_bytes(filter: &LdapFilter, values: PlaceholderValues) -> Vec<u8> {
    let pair = |tag, attribute: &str, value: &FilterValue| {
        let value = encode_element(OCTET_STRING, &value_bytes(value, values));
        encode_elements(tag, &[encode_element(OCTET_STRING, attribute.as_bytes()), value])
    };
    let each = |parts: &[LdapFilter]| -> Vec<Vec<u8>> {
        parts.iter().map(|part| filter_bytes(part, values)).collect()
    };
    match filter {
        LdapFilter::And(parts) => encode_elements(0xa0, &each(parts)),
        LdapFilter::Or(parts) => encode_elements(0xa1, &each(parts)),
        LdapFilter::Not(part) => encode_element(0xa2, &filter_bytes(part, values)),
        LdapFilter::Equal { attribute, value } => pair(0xa3, attribute, value),
        LdapFilter::Substrings { attribute, first, middle, last } => {
            let some = |tag, part: &Vec<u8>| (!part.is_empty()).then(|| encode_element(tag, part));
            let middle = middle.iter().filter_map(|part| some(0x81, part));
            let parts: Vec<_> =
                some(0x80, first).into_iter().chain(middle).chain(some(0x82, last)).collect();
            let attribute = encode_element(OCTET_STRING, attribute.as_bytes());
            encode_elements(0xa4, &[attribute, encode_elements(SEQUENCE, &parts)])
        }
        LdapFilter::AtLeast { attribute, value } => pair(0xa5, attribute, value),
        LdapFilter::AtMost { attribute, value } => pair(0xa6, attribute, value),
        LdapFilter::Present(attribute) => encode_element(0x87, attribute.as_bytes()),
        LdapFilter::Approximately { attribute, value } => pair(0xa8, attribute, value),
        LdapFilter::Matches { rule, attribute, value, dn } => {
            let mut parts = Vec::new();
            parts.extend(rule.as_ref().map(|rule| encode_element(0x81, rule.as_bytes())));
            parts.extend(attribute.as_ref().map(|name| encode_element(0x82, name.as_bytes())));
            parts.push(encode_element(0x83, &value_bytes(value, values)));
            parts.extend(dn.then(|| encode_element(0x84, &[0xff])));
            encode_elements(0xa9, &parts)
        }
    }
}

/// The bytes of a value. They are a separate element, so they need no escapes.
fn value_bytes(value: &FilterValue, values: PlaceholderValues) -> Vec<u8> {
    let bytes = value.pieces().iter().map(|piece| match piece {
        FilterPiece::Bytes(bytes) => bytes,
        FilterPiece::Username => values.username.as_bytes(),
        FilterPiece::Dn => values.dn.as_bytes(),
    });
    bytes.collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str, username: &str) -> Vec<u8> {
        let filter = LdapFilter::parse(text).expect("a filter");
        filter_bytes(&filter, PlaceholderValues { username, dn: "cn=g" })
    }

    #[test]
    fn values_cannot_change_a_filter() {
        let equality = |value: &str| {
            let value = encode_element(OCTET_STRING, value.as_bytes());
            encode_elements(0xa3, &[encode_element(OCTET_STRING, b"uid"), value])
        };
        for hostile in ["*", "ada)(uid=*", "\\2a", "*)(objectClass=*", "a\\", "{dn}", "ä"] {
            assert_eq!(filter("(uid={username})", hostile), equality(hostile), "{hostile}");
        }
    }

    #[test]
    fn filters_have_the_tags_of_the_rfc() {
        // RFC 4511 §4.5.1.7
        for (text, tag) in [
            ("(&(a=1))", 0xa0),
            ("(|(a=1))", 0xa1),
            ("(!(a=1))", 0xa2),
            ("(a=1)", 0xa3),
            ("(a=1*)", 0xa4),
            ("(a>=1)", 0xa5),
            ("(a<=1)", 0xa6),
            ("(a=*)", 0x87),
            ("(a~=1)", 0xa8),
            ("(a:1.2:=1)", 0xa9),
        ] {
            assert_eq!(filter(text, "")[0], tag, "{text}");
        }
        assert_eq!(filter("(a=b*c*d)", "")[5..], *b"\x30\x09\x80\x01b\x81\x01c\x82\x01d");
        assert_eq!(filter("(m:1.2:={dn})", "")[2..], *b"\x81\x031.2\x82\x01m\x83\x04cn=g");
    }

    #[test]
    fn several_members_are_one_of_them() {
        let parsed = LdapFilter::parse("(member={dn})").expect("a filter");
        let values = ["cn=a", "cn=b"].map(|dn| PlaceholderValues { username: "", dn });
        let bytes = FilterWithValues { filter: &parsed, values: &values }.bytes();
        let each = values.map(|values| filter_bytes(&parsed, values));
        assert_eq!(bytes, encode_elements(0xa1, &each));
    }
}
