//! A directory: its server, people and groups.

use super::ProblemList;
use crate::{
    api::{LdapGroupsSpec, LdapProviderSpec, LdapUsersSpec},
    model::{
        DN_ATTRIBUTE, FilterPiece, LdapAccount, LdapAddress, LdapFilter, LdapGroups, LdapPeople,
        LdapSchema, LdapServer, LdapSettings, MAX_GROUP_DEPTH, NestedGroups, Secret,
        is_distinguished_name, is_ldap_attribute, person_filter,
    },
};

/// How many levels of nested groups are read by default.
const DEFAULT_DEPTH: u8 = 5;
const NAME_MESSAGE: &str = "must be a distinguished name, such as ou=people,dc=example,dc=com";
const ATTRIBUTE_MESSAGE: &str = "must be the name of an attribute, such as uid, or its OID";

/// Validates a directory, except for its Secrets.
pub(super) fn ldap_settings(
    problems: &mut ProblemList,
    spec: &LdapProviderSpec,
) -> Option<LdapSettings> {
    let before = problems.len();
    let address = LdapAddress::parse(&spec.url);
    if address.is_none() {
        let message = "must be ldaps://HOST[:PORT], or ldap://HOST[:PORT] for StartTLS";
        problems.invalid("spec.ldap.url", message);
    }
    let schema = problems.supported("spec.ldap.schema", Some(&spec.schema))?;
    let people = people(problems, &spec.users, schema);
    let groups = spec.groups.as_ref().map(|groups| self::groups(problems, groups, schema));
    if problems.len() > before {
        return None;
    }
    Some(LdapSettings {
        schema,
        server: LdapServer { address: address?, certificates: None, inside_network: false },
        account: LdapAccount { name: "".into(), password: Secret::new(String::new()) },
        people: people?,
        groups: match groups {
            None => None,
            Some(groups) => Some(groups?),
        },
    })
}

fn people(
    problems: &mut ProblemList,
    spec: &LdapUsersSpec,
    schema: LdapSchema,
) -> Option<LdapPeople> {
    distinguished_name(problems, "spec.ldap.users.base", &spec.base);
    let name = spec.name.as_deref().unwrap_or(schema.default_name());
    attribute(problems, "spec.ldap.users.name", name);
    let id = problems.supported("spec.ldap.users.id", spec.id.as_ref());
    let written = spec.filter.as_deref().unwrap_or(schema.default_people_filter());
    let filter = filter(problems, "spec.ldap.users.filter", written)?;
    if filter.names(&FilterPiece::Dn) {
        let message =
            "cannot have {dn}, since it finds the entry by what was typed; use {username}";
        problems.invalid("spec.ldap.users.filter", message);
    }
    for (index, name) in spec.attributes.iter().enumerate() {
        attribute(problems, &format!("spec.ldap.users.attributes[{index}]"), name);
    }
    let default = schema.default_attributes().iter().copied();
    let written = spec.attributes.iter().map(String::as_str);
    let attributes = default.chain(written).map(Box::from).collect();
    Some(LdapPeople {
        base: spec.base.as_str().into(),
        filter: person_filter(filter, name),
        name: name.into(),
        id: id.unwrap_or(schema.default_id()),
        attributes,
    })
}

fn groups(
    problems: &mut ProblemList,
    spec: &LdapGroupsSpec,
    schema: LdapSchema,
) -> Option<LdapGroups> {
    const FILTER: &str = "spec.ldap.groups.filter";
    distinguished_name(problems, "spec.ldap.groups.base", &spec.base);
    let name = spec.name.as_deref().unwrap_or("cn");
    if !name.eq_ignore_ascii_case(DN_ATTRIBUTE) {
        attribute(problems, "spec.ldap.groups.name", name);
    }
    let nested =
        problems.supported("spec.ldap.groups.nested", spec.nested.as_ref()).unwrap_or_default();
    let depth = match (nested, spec.depth) {
        (NestedGroups::Recursive, depth) => depth.unwrap_or(DEFAULT_DEPTH),
        (_, None) => 0,
        (_, Some(_)) => {
            let message = "is read with nested: Recursive only; remove it";
            problems.invalid("spec.ldap.groups.depth", message);
            0
        }
    };
    if depth > MAX_GROUP_DEPTH || (nested == NestedGroups::Recursive && depth == 0) {
        problems.invalid("spec.ldap.groups.depth", "must be between 1 and 10");
    }
    let written = spec.filter.as_deref().unwrap_or(schema.default_groups_filter());
    let entries = filter(problems, FILTER, written)?;
    let in_chain = nested == NestedGroups::ActiveDirectory;
    if in_chain && schema != LdapSchema::ActiveDirectory {
        let message = "ActiveDirectory needs schema: ActiveDirectory; use Recursive";
        problems.invalid("spec.ldap.groups.nested", message);
    }
    if in_chain && entries.has_placeholder() {
        let message = "cannot compare the member itself with nested: ActiveDirectory; remove {dn} and {username}";
        problems.invalid(FILTER, message);
    }
    if depth > 0 && entries.names(&FilterPiece::Username) {
        let message =
            "cannot have {username} with nested: Recursive, since groups have none; use {dn}";
        problems.invalid(FILTER, message);
    }
    Some(LdapGroups {
        base: spec.base.as_str().into(),
        filter: schema.membership_filter(entries, in_chain),
        name: name.into(),
        depth,
    })
}

fn filter(problems: &mut ProblemList, field: &str, text: &str) -> Option<LdapFilter> {
    match LdapFilter::parse(text) {
        Ok(filter) => Some(filter),
        Err(error) => {
            problems.invalid(field, error.to_string());
            None
        }
    }
}

fn distinguished_name(problems: &mut ProblemList, field: &str, text: &str) {
    if !is_distinguished_name(text) {
        problems.invalid(field, NAME_MESSAGE);
    }
}

fn attribute(problems: &mut ProblemList, field: &str, name: &str) {
    if !is_ldap_attribute(name) {
        problems.invalid(field, ATTRIBUTE_MESSAGE);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The settings of a spec with changes by JSON pointer, or the fields with problems.
    fn checked_ldap_spec(changes: &[(&str, Value)]) -> Result<LdapSettings, Vec<String>> {
        let mut spec = json!({
            "url": "ldaps://ldap.acme.test",
            "schema": "OpenLDAP",
            "bindSecretRef": {"name": "acme-ldap"},
            "users": {"base": "ou=people,dc=acme,dc=test"},
            "groups": {"base": "ou=groups,dc=acme,dc=test"},
        });
        for (pointer, value) in changes {
            let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
            spec.pointer_mut(parent).expect("it exists")[name] = value.clone();
        }
        let spec: LdapProviderSpec = serde_json::from_value(spec).expect("a spec");
        let mut problems = ProblemList::default();
        let settings = ldap_settings(&mut problems, &spec);
        let (problems, _) = problems.into_parts();
        let fields = problems.iter().map(|problem| problem.field.clone()).collect();
        settings.ok_or(fields)
    }

    fn problem(changes: &[(&str, Value)]) -> String {
        let fields = checked_ldap_spec(changes).expect_err("a problem");
        assert_eq!(fields.len(), 1, "{fields:?}");
        fields[0].trim_start_matches("spec.ldap.").to_owned()
    }

    #[test]
    fn the_schema_sets_the_defaults() {
        let open = checked_ldap_spec(&[]).expect("valid");
        let parse = |text| LdapFilter::parse(text).expect("a filter");
        assert_eq!(open.people.filter, parse("(&(objectClass=person)(uid={username}))"));
        assert_eq!((&*open.people.name, open.people.id.as_str()), ("uid", "entryUUID"));
        let groups = open.groups.expect("groups");
        assert_eq!((&*groups.name, groups.depth), ("cn", 0));
        let active = checked_ldap_spec(&[
            ("/schema", json!("ActiveDirectory")),
            ("/url", json!("ldap://dc.corp.test")),
            ("/groups/nested", json!("ActiveDirectory")),
            ("/users/attributes", json!(["department"])),
        ]);
        let active = active.expect("valid");
        assert!(active.server.address.start_tls);
        assert_eq!(
            (&*active.people.name, active.people.id.as_str()),
            ("sAMAccountName", "objectGUID")
        );
        assert!(active.people.attributes.iter().any(|name| &**name == "mail"));
        assert!(active.people.attributes.iter().any(|name| &**name == "department"));
        let in_chain = parse("(&(objectClass=group)(member:1.2.840.113556.1.4.1941:={dn}))");
        assert_eq!(active.groups.expect("groups").filter, in_chain);
        let recursive =
            checked_ldap_spec(&[("/groups/nested", json!("Recursive"))]).expect("valid");
        assert_eq!(recursive.groups.expect("groups").depth, 5);
        let none = checked_ldap_spec(&[("/groups", Value::Null)]).expect("valid");
        assert_eq!(none.groups, None);
    }

    #[test]
    fn every_wrong_field_is_named() {
        assert_eq!(problem(&[("/url", json!("https://ldap.acme.test"))]), "url");
        assert_eq!(problem(&[("/url", json!("ldaps://ldap.acme.test/dc=acme"))]), "url");
        assert_eq!(problem(&[("/schema", json!("EDirectory"))]), "schema");
        assert_eq!(problem(&[("/users/base", json!("acme"))]), "users.base");
        assert_eq!(problem(&[("/users/filter", json!("uid={username}"))]), "users.filter");
        assert_eq!(problem(&[("/users/filter", json!("(member={dn})"))]), "users.filter");
        assert_eq!(problem(&[("/users/filter", json!("(uid={user})"))]), "users.filter");
        assert_eq!(problem(&[("/users/name", json!("u i d"))]), "users.name");
        assert_eq!(problem(&[("/users/id", json!("uid"))]), "users.id");
        assert_eq!(problem(&[("/users/attributes", json!(["a", "b;c"]))]), "users.attributes[1]");
        assert_eq!(problem(&[("/groups/base", json!(""))]), "groups.base");
        assert_eq!(problem(&[("/groups/depth", json!(3))]), "groups.depth");
        assert_eq!(problem(&[("/groups/nested", json!("ActiveDirectory"))]), "groups.nested");
        let recursive = ("/groups/nested", json!("Recursive"));
        assert_eq!(problem(&[recursive.clone(), ("/groups/depth", json!(11))]), "groups.depth");
        assert_eq!(problem(&[recursive.clone(), ("/groups/depth", json!(0))]), "groups.depth");
        let by_name = ("/groups/filter", json!("(memberUid={username})"));
        assert!(checked_ldap_spec(std::slice::from_ref(&by_name)).is_ok());
        assert_eq!(problem(&[recursive, by_name]), "groups.filter");
        let chain = [
            ("/schema", json!("ActiveDirectory")),
            ("/groups/nested", json!("ActiveDirectory")),
            ("/groups/filter", json!("(member={dn})")),
        ];
        assert_eq!(problem(&chain), "groups.filter");
        let by_dn = checked_ldap_spec(&[("/groups/name", json!("dn"))]).expect("valid");
        assert_eq!(&*by_dn.groups.expect("groups").name, "dn");
    }
}
