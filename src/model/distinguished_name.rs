//! Distinguished names of certificates, written as in RFC 4514 and compared by their parts.

use std::collections::BTreeSet;

use super::ldap::{attributes_of_name, is_object_identifier};

/// The attributes that have a name, as object identifiers (RFC 4514 §3, RFC 4519, RFC 2985 §5.2).
const ATTRIBUTES: [(&str, &str); 22] = [
    ("CN", "2.5.4.3"),
    ("SN", "2.5.4.4"),
    ("SERIALNUMBER", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("S", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("TITLE", "2.5.4.12"),
    ("BUSINESSCATEGORY", "2.5.4.15"),
    ("POSTALCODE", "2.5.4.17"),
    ("NAME", "2.5.4.41"),
    ("GN", "2.5.4.42"),
    ("GIVENNAME", "2.5.4.42"),
    ("DNQUALIFIER", "2.5.4.46"),
    ("ORGANIZATIONIDENTIFIER", "2.5.4.97"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("E", "1.2.840.113549.1.9.1"),
    ("EMAILADDRESS", "1.2.840.113549.1.9.1"),
];

/// The attributes of one part of a name: object identifiers and normalized values.
type NamePart = BTreeSet<(String, String)>;

/// A distinguished name. Letter case and repeated spaces of values are ignored (RFC 5280 §7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistinguishedName {
    /// From the root, as in certificates.
    parts: Vec<NamePart>,
}

impl DistinguishedName {
    /// Parses a name such as `CN=ledger,O=Acme,C=SE`, whose last part is the root (RFC 4514 §2.1). `None` if it is
    /// malformed or has an attribute without a known name; those are written as object identifiers.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        for part in attributes_of_name(text)? {
            let attribute =
                |(name, value): (&str, String)| Some((object_identifier(name)?, normalize(&value)));
            let attributes: Option<NamePart> = part.into_iter().map(attribute).collect();
            parts.push(attributes?);
        }
        parts.reverse();
        Some(Self { parts })
    }

    /// The name with these parts from the root, each of object identifiers and values.
    pub fn from_parts(parts: impl IntoIterator<Item = Vec<(String, String)>>) -> Self {
        let normalized = |part: Vec<(String, String)>| {
            part.into_iter().map(|(attribute, value)| (attribute, normalize(&value))).collect()
        };
        Self { parts: parts.into_iter().map(normalized).collect() }
    }
}

fn object_identifier(name: &str) -> Option<String> {
    if is_object_identifier(name) {
        return Some(name.to_owned());
    }
    let known = ATTRIBUTES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(known.1.to_owned())
}

fn normalize(value: &str) -> String {
    let words: Vec<_> = value.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(from_root: &[&[(&str, &str)]]) -> DistinguishedName {
        let owned = |part: &&[(&str, &str)]| {
            part.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        DistinguishedName::from_parts(from_root.iter().map(owned))
    }

    #[test]
    fn a_written_name_begins_with_the_last_part_of_a_certificates_name() {
        // RFC 4514 §2.1
        let name = DistinguishedName::parse("CN=Ledger+UID=7, O=Acme\\, Inc.,C=SE");
        let certificate = parts(&[
            &[("2.5.4.6", "se")],
            &[("2.5.4.10", "ACME,  Inc.")],
            &[("0.9.2342.19200300.100.1.1", "7"), ("2.5.4.3", "ledger")],
        ]);
        assert_eq!(name, Some(certificate));
        let by_number = DistinguishedName::parse("2.5.4.3=x,e=a@b.test");
        assert_eq!(
            by_number,
            Some(parts(&[&[("1.2.840.113549.1.9.1", "a@b.test")], &[("2.5.4.3", "x")],]))
        );
    }

    #[test]
    fn names_with_other_parts_differ() {
        let name = |text: &str| DistinguishedName::parse(text).expect("a name");
        for other in ["CN=a", "CN=a,O=c", "O=b,CN=a", "CN=a+O=b", "CN=a,O=b,C=SE", "OU=a,O=b"] {
            assert_ne!(name("CN=a,O=b"), name(other), "{other}");
        }
        for malformed in ["", "ledger", "CN=", "X=1", "CN=a,", "CN=#0401"] {
            assert_eq!(DistinguishedName::parse(malformed), None, "{malformed}");
        }
    }
}
