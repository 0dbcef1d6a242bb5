//! The checked settings of an LDAP directory that people sign in from.

mod filter;
mod name;

use std::{fmt, sync::Arc};

use url::{Host, Url};

pub use filter::{FilterPiece, FilterValue, LdapFilter, LdapFilterError};
pub(super) use name::attributes_of_name;
pub use name::{domain_suffix, is_below_name, is_distinguished_name, value_in_first_rdn};

use super::{Secret, wire_enum::wire_enum};

/// Most levels of nested groups.
pub const MAX_GROUP_DEPTH: u8 = 10;

/// The matching rule `LDAP_MATCHING_RULE_IN_CHAIN` of Active Directory: members of members are included.
pub const MEMBER_IN_CHAIN: &str = "1.2.840.113556.1.4.1941";

/// The name that stands for an entry's whole distinguished name where an attribute is expected.
pub const DN_ATTRIBUTE: &str = "dn";

wire_enum!(
    /// The kind of directory, which sets the defaults of filters and attributes.
    LdapSchema {
        /// Active Directory, or Samba as its domain controller.
        ActiveDirectory = "ActiveDirectory",
        /// OpenLDAP and servers with the same schema.
        OpenLdap = "OpenLDAP",
    }
);

wire_enum!(
    /// The attribute that identifies a person even after a change of name.
    LdapIdAttribute {
        /// `entryUUID` (RFC 4530).
        EntryUuid = "entryUUID",
        /// `objectGUID` of Active Directory.
        ObjectGuid = "objectGUID",
    }
);

wire_enum!(
    /// Whether a person is in groups of their groups, and how these are found.
    #[derive(Default)]
    NestedGroups {
        /// Only groups that name the person.
        #[default]
        None = "None",
        /// They are searched, level by level.
        Recursive = "Recursive",
        /// The server finds them with a matching rule.
        ActiveDirectory = "ActiveDirectory",
    }
);

/// A directory: its server, the account that searches it, and where people and groups are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapSettings {
    /// The kind of directory, which decides the default attributes and filters.
    pub schema: LdapSchema,
    /// The server, and the certificates that verify it.
    pub server: LdapServer,
    /// The account that searches the directory.
    pub account: LdapAccount,
    /// The place of the people, and the attributes that are read.
    pub people: LdapPeople,
    /// The groups of the people; `None` if groups are not read.
    pub groups: Option<LdapGroups>,
}

/// The server of a directory. Every connection uses TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapServer {
    /// Host, port and the way to TLS.
    pub address: LdapAddress,
    /// The PEM certificates that its certificate is verified with; `None` for the system's.
    pub certificates: Option<Arc<str>>,
    /// Whether the installation allows the host inside the network.
    pub inside_network: bool,
}

/// The address of a server, as its URL names it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LdapAddress {
    /// The host name or IP address, without brackets.
    pub host: Box<str>,
    /// The TCP port; 636 for `ldaps://` and 389 for `ldap://` if the URL has none.
    pub port: u16,
    /// Whether TLS begins with the operation `StartTLS` (RFC 4511 §4.14), as for `ldap://`, instead
    /// of with the connection, as for `ldaps://`.
    pub start_tls: bool,
}

/// The account that searches a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapAccount {
    /// The distinguished name of the account, or in Active Directory also `name@domain`.
    pub name: Box<str>,
    /// The password of the account, not empty.
    pub password: Secret<String>,
}

/// Where people are and what is read about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapPeople {
    /// The entry below which people are.
    pub base: Box<str>,
    /// Finds the entry of a person by what was typed.
    pub filter: LdapFilter,
    /// The attribute with the username.
    pub name: Box<str>,
    /// The attribute that identifies a person.
    pub id: LdapIdAttribute,
    /// Attributes that are read besides.
    pub attributes: Vec<Box<str>>,
}

/// Where groups are and how membership is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapGroups {
    /// The entry below which groups are.
    pub base: Box<str>,
    /// Finds the groups of a member: its `{dn}`, or its `{username}`.
    pub filter: LdapFilter,
    /// The attribute with a group's name, or `dn`.
    pub name: Box<str>,
    /// How many levels of groups in groups are read; 0 for the groups that name the person.
    pub depth: u8,
}

impl LdapAddress {
    /// Parses `ldaps://host[:port]` or `ldap://host[:port]`.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let start_tls = match url.scheme() {
            "ldaps" => false,
            "ldap" => true,
            _ => return None,
        };
        let plain = matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let host = url.host_str().filter(|host| plain && !host.is_empty())?.to_ascii_lowercase();
        // The URL standard knows hosts of special schemes only; others are opaque text.
        let host = match Host::parse(&host).ok()? {
            Host::Ipv6(address) => address.to_string(),
            host => host.to_string(),
        };
        let port = url.port().unwrap_or(if start_tls { 389 } else { 636 });
        Some(Self { host: host.into(), port, start_tls })
    }
}

impl fmt::Display for LdapAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.start_tls { "ldap" } else { "ldaps" };
        let brackets = self.host.contains(':');
        let (open, close) = if brackets { ("[", "]") } else { ("", "") };
        write!(f, "{scheme}://{open}{}{close}:{}", self.host, self.port)
    }
}

impl fmt::Debug for LdapAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Returns true for the name of an attribute or its OID (RFC 4512 §2.5), without options.
pub fn is_ldap_attribute(text: &str) -> bool {
    let name = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    name || is_object_identifier(text)
}

/// Returns true for numbers with dots between them (RFC 4512 §1.4).
pub(crate) fn is_object_identifier(text: &str) -> bool {
    let mut parts = text.split('.');
    text.contains('.')
        && parts.all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

impl LdapSchema {
    /// The attribute with the username, if the manifest names none.
    pub const fn default_name(self) -> &'static str {
        match self {
            Self::ActiveDirectory => "sAMAccountName",
            Self::OpenLdap => "uid",
        }
    }

    /// The attribute that identifies a person.
    pub const fn default_id(self) -> LdapIdAttribute {
        match self {
            Self::ActiveDirectory => LdapIdAttribute::ObjectGuid,
            Self::OpenLdap => LdapIdAttribute::EntryUuid,
        }
    }

    /// The filter that finds people. In Active Directory a person types a name or `name@domain`.
    pub const fn default_people_filter(self) -> &'static str {
        match self {
            Self::ActiveDirectory => {
                "(&(objectCategory=person)(objectClass=user)(|(sAMAccountName={username})(userPrincipalName={username})))"
            }
            Self::OpenLdap => "(objectClass=person)",
        }
    }

    /// The filter that finds groups, if the manifest has none.
    pub const fn default_groups_filter(self) -> &'static str {
        match self {
            Self::ActiveDirectory => "(objectClass=group)",
            Self::OpenLdap => "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))",
        }
    }

    /// Attributes that are read for claims.
    pub const fn default_attributes(self) -> &'static [&'static str] {
        match self {
            Self::ActiveDirectory => {
                &["userPrincipalName", "displayName", "givenName", "sn", "mail"]
            }
            Self::OpenLdap => &["cn", "displayName", "givenName", "sn", "mail"],
        }
    }

    /// The attributes of a group that name its members.
    const fn member_attributes(self) -> &'static [&'static str] {
        match self {
            Self::ActiveDirectory => &["member"],
            Self::OpenLdap => &["member", "uniqueMember"],
        }
    }

    /// The filter that finds the groups of a member. If `entries` has a placeholder, it names the member itself;
    /// otherwise an attribute with members must also name it. With `in_chain` the server also finds groups of groups.
    #[must_use]
    pub fn membership_filter(self, entries: LdapFilter, in_chain: bool) -> LdapFilter {
        if entries.has_placeholder() {
            return entries;
        }
        let member = |attribute: &&str| {
            let value = FilterValue::of(FilterPiece::Dn);
            let attribute = Box::from(*attribute);
            if in_chain {
                LdapFilter::matching(MEMBER_IN_CHAIN, attribute, value)
            } else {
                LdapFilter::Equal { attribute, value }
            }
        };
        let mut named: Vec<LdapFilter> = self.member_attributes().iter().map(member).collect();
        let named = if named.len() == 1 { named.remove(0) } else { LdapFilter::Or(named) };
        LdapFilter::And(vec![entries, named])
    }
}

/// The filter that finds a person by the typed name. If `entries` has a placeholder, it compares the name itself;
/// otherwise the attribute `name` must also equal it.
#[must_use]
pub fn person_filter(entries: LdapFilter, name: &str) -> LdapFilter {
    if entries.has_placeholder() {
        return entries;
    }
    let value = FilterValue::of(FilterPiece::Username);
    LdapFilter::And(vec![entries, LdapFilter::Equal { attribute: name.into(), value }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_scheme_a_host_and_a_port() {
        let shown = |text| LdapAddress::parse(text).map(|it| it.to_string());
        assert_eq!(shown("ldaps://DC.corp.test").as_deref(), Some("ldaps://dc.corp.test:636"));
        assert_eq!(shown("ldap://dc.corp.test/").as_deref(), Some("ldap://dc.corp.test:389"));
        assert_eq!(shown("ldaps://10.0.0.1:1636").as_deref(), Some("ldaps://10.0.0.1:1636"));
        assert_eq!(shown("ldaps://[fd00::1]").as_deref(), Some("ldaps://[fd00::1]:636"));
        assert_eq!(&*LdapAddress::parse("ldaps://[fd00::1]").expect("valid").host, "fd00::1");
        for wrong in [
            "",
            "dc.corp.test",
            "https://dc.corp.test",
            "ldapi:///run/slapd",
            "ldaps://",
            "ldaps://u:p@dc.corp.test",
            "ldaps://dc.corp.test/dc=corp",
            "ldaps://dc.corp.test?x",
            "ldaps://dc corp",
        ] {
            assert_eq!(shown(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn attributes_are_names_or_oids() {
        for right in ["uid", "sAMAccountName", "x-y1", "0.9.2342.19200300.100.1.1"] {
            assert!(is_ldap_attribute(right), "{right}");
        }
        for wrong in ["", "1uid", "uid;binary", "a b", "1..2", "*", "+", "é"] {
            assert!(!is_ldap_attribute(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_filter_without_placeholder_is_completed() {
        let parse = |text: &str| LdapFilter::parse(text).expect("a filter");
        let open = LdapSchema::OpenLdap.default_people_filter();
        assert_eq!(
            person_filter(parse(open), "uid"),
            parse("(&(objectClass=person)(uid={username}))")
        );
        let own = parse("(mail={username})");
        assert_eq!(person_filter(own.clone(), "uid"), own);
        let groups = parse("(objectClass=group)");
        assert_eq!(
            LdapSchema::ActiveDirectory.membership_filter(groups.clone(), true),
            parse("(&(objectClass=group)(member:1.2.840.113556.1.4.1941:={dn}))")
        );
        assert_eq!(
            LdapSchema::OpenLdap.membership_filter(groups, false),
            parse("(&(objectClass=group)(|(member={dn})(uniqueMember={dn})))")
        );
        let own = parse("(memberUid={username})");
        assert_eq!(LdapSchema::OpenLdap.membership_filter(own.clone(), false), own);
    }

    #[test]
    fn the_defaults_are_valid() {
        for schema in LdapSchema::ALL {
            for filter in [schema.default_people_filter(), schema.default_groups_filter()] {
                assert!(LdapFilter::parse(filter).is_ok(), "{filter}");
            }
            assert!(schema.default_attributes().iter().all(|it| is_ldap_attribute(it)));
            assert!(is_ldap_attribute(schema.default_name()));
        }
    }
}
