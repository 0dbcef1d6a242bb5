//! A person as a directory describes them.

use serde_json::{Map, Value};

use super::{entry::LdapEntry, fault::DirectoryFault};
use crate::model::{DN_ATTRIBUTE, LdapPeople};

/// The claim with the names of groups.
const GROUPS: &str = "groups";

/// Standard claims (OIDC Core §5.1) and the attributes that they come from, the preferred one first.
const STANDARD_CLAIMS: [(&str, &[&str]); 4] = [
    ("name", &["displayName", "cn"]),
    ("given_name", &["givenName"]),
    ("family_name", &["sn"]),
    ("email", &["mail"]),
];

/// A person of a directory, with claims as the directory has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryPerson {
    /// The value of the attribute that identifies the entry, which stays the same when the person is renamed.
    pub id: String,
    /// The username as the directory writes it, whatever was typed.
    pub username: String,
    /// The attributes of the settings, standard claims, `dn` and `groups`. An attribute with one value is a text,
    /// and one with several values is a list. An attribute without a value is missing.
    pub claims: Map<String, Value>,
}

impl DirectoryPerson {
    pub(super) fn new(
        entry: &LdapEntry,
        settings: &LdapPeople,
        groups: Option<Vec<String>>,
    ) -> Result<Self, DirectoryFault> {
        let id = entry.identifier(settings.id)?;
        let username = entry.name_by(&settings.name)?;
        let mut claims = Map::new();
        for attribute in &settings.attributes {
            let mut texts = entry.texts(attribute);
            let value = match texts.len() {
                0 => continue,
                1 => Value::String(texts.remove(0)),
                _ => texts.into(),
            };
            claims.insert(attribute.to_string(), value);
        }
        for (claim, attributes) in STANDARD_CLAIMS {
            let texts = attributes.iter().flat_map(|attribute| entry.texts(attribute));
            if let Some(text) = texts.map(|it| it.trim().to_owned()).find(|it| !it.is_empty()) {
                claims.insert(claim.to_owned(), text.into());
            }
        }
        claims.insert("sub".to_owned(), id.clone().into());
        claims.insert("preferred_username".to_owned(), username.clone().into());
        claims.insert(DN_ATTRIBUTE.to_owned(), entry.dn.clone().into());
        claims.insert(settings.name.to_string(), username.clone().into());
        claims.insert(settings.id.as_str().to_owned(), id.clone().into());
        if let Some(groups) = groups {
            claims.insert(GROUPS.to_owned(), groups.into());
        }
        Ok(Self { id, username, claims })
    }
}
