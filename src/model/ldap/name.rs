//! Distinguished names (RFC 4514), as far as settings and names of entries need them.

use super::is_ldap_attribute;

/// Returns true if the text is a distinguished name that is not empty.
pub fn is_distinguished_name(text: &str) -> bool {
    let mut parts = split_unescaped(text, |c| matches!(c, ',' | '+' | ';'));
    parts.all(|part| attribute_and_value(part).is_some())
}

/// The value of an attribute in the first part of a distinguished name, which names the entry among
/// its siblings.
pub fn value_in_first_rdn(dn: &str, attribute: &str) -> Option<String> {
    let first = split_unescaped(dn, |c| matches!(c, ',' | ';')).next()?;
    let mut pairs = split_unescaped(first, |c| c == '+').filter_map(attribute_and_value);
    pairs.find(|(name, _)| name.eq_ignore_ascii_case(attribute)).map(|(_, value)| value)
}

/// The attributes and values of each part of a distinguished name, without their escapes. `None` if one is malformed.
pub(in crate::model) fn attributes_of_name(dn: &str) -> Option<Vec<Vec<(&str, String)>>> {
    let parts = split_unescaped(dn, |c| matches!(c, ',' | ';'));
    let attributes = |part| split_unescaped(part, |c| c == '+').map(attribute_and_value).collect();
    parts.map(attributes).collect()
}

/// The end of a distinguished name that names its domain (RFC 2247): the last parts, if they are of
/// the attribute `dc`.
pub fn domain_suffix(dn: &str) -> Option<&str> {
    let (mut domain, mut at) = (None, 0);
    for part in split_unescaped(dn, |c| matches!(c, ',' | ';')) {
        let name = part.split_once('=').map(|(name, _)| name.trim());
        let is_component = name.is_some_and(|name| name.eq_ignore_ascii_case("dc"));
        domain = if is_component { domain.or(Some(at)) } else { None };
        at += part.len() + 1;
    }
    domain.map(|start| &dn[start..])
}

/// Returns true if a distinguished name is another one or below it. Letter case and the spaces around parts
/// are ignored. Every name is below the empty one.
pub fn is_below_name(dn: &str, base: &str) -> bool {
    let parts = |text: &str| -> Vec<String> {
        let parts = split_unescaped(text, |c| matches!(c, ',' | ';'));
        let plain = |part: &str| match attribute_and_value(part) {
            Some((name, value)) => format!("{name}={value}").to_lowercase(),
            None => part.trim().to_lowercase(),
        };
        parts.map(plain).filter(|part| !part.is_empty()).collect()
    };
    parts(dn).ends_with(&parts(base))
}

/// The parts of a text between separators that no backslash precedes.
fn split_unescaped(text: &str, separates: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    text.split(move |c| {
        let separator = !escaped && separates(c);
        escaped = !escaped && c == '\\';
        separator
    })
}

/// `attribute=value` without its escapes. Values in the form `#hex` are not understood.
fn attribute_and_value(part: &str) -> Option<(&str, String)> {
    let (name, value) = part.split_once('=')?;
    let (name, value) = (name.trim(), trim_value(value));
    if !is_ldap_attribute(name) || value.is_empty() || value.starts_with('#') {
        return None;
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes().iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let first = rest.next()?;
        match hex_digit(first) {
            None => bytes.push(first),
            Some(high) => bytes.push(high << 4 | hex_digit(rest.next()?)?),
        }
    }
    Some((name, String::from_utf8(bytes).ok()?))
}

/// Spaces around a value are ignored, unless a backslash precedes the last one.
fn trim_value(value: &str) -> &str {
    let value = value.trim_start_matches(' ');
    let trimmed = value.trim_end_matches(' ');
    let backslashes = trimmed.bytes().rev().take_while(|byte| *byte == b'\\').count();
    if backslashes % 2 == 1 && trimmed.len() < value.len() {
        return &value[..=trimmed.len()];
    }
    trimmed
}

pub(super) fn hex_digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_attributes_and_values() {
        // RFC 4514 §4
        for right in [
            "UID=jsmith,DC=example,DC=net",
            "OU=Sales+CN=J.  Smith,DC=example,DC=net",
            "CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net",
            "CN=Before\\0dAfter,DC=example,DC=net",
            "cn=Lu\\C4\\8Di\\C4\\87, ou=People",
            "cn=Jörg,dc=acme",
        ] {
            assert!(is_distinguished_name(right), "{right}");
        }
        for wrong in ["", "jsmith", "cn=", "=x", "cn=x,", "cn=x,,dc=y", "cn=x\\", "svc@corp.test"] {
            assert!(!is_distinguished_name(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_first_part_names_an_entry() {
        let value = |dn, attribute| value_in_first_rdn(dn, attribute);
        assert_eq!(value("uid=ada,ou=p", "UID").as_deref(), Some("ada"));
        assert_eq!(value("cn=A+uid=ada,ou=p", "uid").as_deref(), Some("ada"));
        assert_eq!(value("cn=Smith\\, J\\2b,uid=x", "cn").as_deref(), Some("Smith, J+"));
        assert_eq!(value("cn=a\\ ,uid=x", "cn").as_deref(), Some("a "));
        assert_eq!(value("cn=A,uid=ada", "uid"), None);
        assert_eq!(value("", "uid"), None);
    }

    #[test]
    fn a_name_is_below_its_last_parts() {
        let ada = "uid=ada,OU=People, dc = Acme,DC=test";
        for base in ["dc=acme,dc=test", "ou=people,dc=acme,dc=test", ada, "dc=test", ""] {
            assert!(is_below_name(ada, base), "{base}");
        }
        for base in
            ["dc=corp,dc=test", "uid=eve,ou=people,dc=acme,dc=test", "ou=people", "me,dc=test"]
        {
            assert!(!is_below_name(ada, base), "{base}");
        }
        assert!(!is_below_name("cn=a\\,dc=acme,dc=test", "dc=acme,dc=test"), "an escaped comma");
    }

    #[test]
    fn the_last_parts_name_the_domain() {
        let corp = domain_suffix("CN=a\\,DC=x,OU=Staff,DC=corp,dc=test");
        assert_eq!(corp, Some("DC=corp,dc=test"));
        assert_eq!(domain_suffix("dc=test"), Some("dc=test"));
        assert_eq!(domain_suffix("dc=x,o=acme"), None);
        assert_eq!(domain_suffix(""), None);
    }
}
