//! An LDAP directory as a source of people.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{
        EnumSpec, SecretKeyRef,
        rules::{self, provider},
    },
    model::{LdapIdAttribute, LdapSchema, NestedGroups},
};

/// An LDAP directory. People sign in on the tenant's own sign-in page, with the name and the password
/// that the directory knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::immutable("schema", "delete the object and create another; its people would become other people"))]
pub struct LdapProviderSpec {
    /// The server: `ldaps://HOST[:PORT]`, or `ldap://HOST[:PORT]` for a server that begins TLS with
    /// StartTLS. Every connection uses TLS.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = provider::ldap_url())]
    pub url: String,
    /// The kind of directory, which sets the defaults of the fields below: `ActiveDirectory` (also
    /// Samba as a domain controller) or `OpenLDAP` (also 389 Directory Server, `FreeIPA` and others).
    pub schema: EnumSpec<LdapSchema>,
    /// The Secret with the PEM certificates that the server's certificate is verified with. Default
    /// key: `ca.crt`. Absent: those that the installation trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_ref: Option<SecretKeyRef>,
    /// The Secret with the account that searches the directory, with the entries `username` (its
    /// distinguished name, or `name@domain` in Active Directory) and `password`, as in the type
    /// `kubernetes.io/basic-auth`. The account needs to read people and groups, and nothing else.
    pub bind_secret_ref: LdapBindSecretRef,
    /// Where people are.
    pub users: LdapUsersSpec,
    /// Where groups are. Absent: groups are not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<LdapGroupsSpec>,
}

/// The Secret with the account that searches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LdapBindSecretRef {
    /// Name of the Secret, in the namespace of this object.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name())]
    pub name: String,
}

/// Where people are and what is read about them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::immutable_optional("id", "delete the object and create another; its people would become other people"))]
pub struct LdapUsersSpec {
    /// The distinguished name of the entry below which people are.
    #[schemars(length(min = 1, max = 512))]
    pub base: String,
    /// The filter that finds people (RFC 4515). With `{username}` it compares the typed name itself;
    /// without it, `name` must also have the typed name. Default: people of the schema; in
    /// `ActiveDirectory` a name that is `sAMAccountName` or `userPrincipalName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub filter: Option<String>,
    /// The attribute with the username. Default: `sAMAccountName` or `uid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = provider::ldap_attribute())]
    pub name: Option<String>,
    /// The attribute that identifies a person for ever: `objectGUID` or `entryUUID`. Default: that of
    /// the schema. Immutable, because every person would become another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<EnumSpec<LdapIdAttribute>>,
    /// Further attributes that become claims of the provider. `displayName`, `givenName`, `sn`, `mail`,
    /// and `userPrincipalName` or `cn`, are read anyway.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 128)))]
    #[x_kube(validation = provider::ldap_attributes())]
    pub attributes: Vec<String>,
}

/// Where groups are and how membership is found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LdapGroupsSpec {
    /// The distinguished name of the entry below which groups are.
    #[schemars(length(min = 1, max = 512))]
    pub base: String,
    /// The filter that finds groups (RFC 4515). With `{dn}` (the member's distinguished name) or
    /// `{username}` it compares the member itself; without them, `member` must have the member, or
    /// `uniqueMember` in `OpenLDAP`. Default: groups of the schema. In `ActiveDirectory` the person's
    /// primary group, which has no `member` for it, is included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub filter: Option<String>,
    /// The attribute with a group's name, or `dn` for its distinguished name. Default: `cn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = provider::ldap_attribute())]
    pub name: Option<String>,
    /// Whether groups that contain a person's groups are included: `None` (default), `Recursive` (they are
    /// searched, level by level), or `ActiveDirectory` (the server finds them at once).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nested: Option<EnumSpec<NestedGroups>>,
    /// Levels of groups that `Recursive` searches. Default: 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10))]
    pub depth: Option<u8>,
}
