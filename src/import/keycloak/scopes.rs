//! Client scopes, and the claims that their mappers make of attributes.

use std::collections::{BTreeMap, BTreeSet};

use super::groups::GROUP_MAPPER;
use crate::{
    api::CustomScopeSpec,
    import::{manifests::ImportCollector, source_field::SourceField},
};

/// Scopes that the program has.
const STANDARD: [&str; 7] =
    ["openid", "profile", "email", "phone", "address", "groups", "offline_access"];
/// Scopes that every realm has, for Keycloak's own purposes.
const INTERNAL: [&str; 9] = [
    "roles",
    "web-origins",
    "microprofile-jwt",
    "acr",
    "basic",
    "role_list",
    "service_account",
    "organization",
    "saml_organization",
];
const ATTRIBUTE_MAPPER: &str = "oidc-usermodel-attribute-mapper";
const OFFLINE_ACCESS: &str = "offline_access";
/// The lists of a client: default scopes, which apply without a request for them, and optional scopes.
const CLIENT_LISTS: [&str; 2] = ["defaultClientScopes", "optionalClientScopes"];
/// The same of the realm, for clients without lists.
const REALM_LISTS: [&str; 2] = ["defaultDefaultClientScopes", "defaultOptionalClientScopes"];

/// The scopes of a realm.
#[derive(Debug, Default)]
pub(super) struct RealmScopes {
    /// Custom scopes of the tenant.
    pub(super) tenant: BTreeMap<String, CustomScopeSpec>,
    /// Names of claims by the attributes that they come from.
    pub(super) claims: BTreeMap<String, String>,
    /// The scopes of clients without lists, and whether offline access is a default one. `None` if the realm has no
    /// lists either.
    client_defaults: Option<(BTreeSet<String>, bool)>,
}

impl RealmScopes {
    /// The scopes of a client, as far as the tenant has them.
    pub(super) fn client_scopes(&self, client: &SourceField<'_>) -> Vec<String> {
        let Some((named, _)) = self.named_scopes(client) else { return Vec::new() };
        let mut scopes = vec!["openid".to_owned()];
        let has = |name: &str| STANDARD.contains(&name) || self.tenant.contains_key(name);
        scopes.extend(named.into_iter().filter(|name| name != "openid" && has(name)));
        if !scopes.iter().any(|scope| scope == "groups") {
            scopes.push("groups".to_owned());
        }
        scopes
    }

    /// Names a client that has offline access without a request for it.
    pub(super) fn note_default_offline_access(
        &self,
        import: &mut ImportCollector,
        client: &SourceField<'_>,
    ) {
        if self.named_scopes(client).is_some_and(|(_, is_default)| is_default) {
            let message = "offline_access is not imported as a default scope: the application gets refresh tokens that outlive the session only if it requests the scope offline_access, and others end with the session";
            import.notes.add(&client.get(CLIENT_LISTS[0]), message);
        }
    }

    /// The names of the scopes of a client, and whether offline access is a default one.
    fn named_scopes(&self, client: &SourceField<'_>) -> Option<(BTreeSet<String>, bool)> {
        listed_scopes(client, CLIENT_LISTS).or_else(|| self.client_defaults.clone())
    }
}

/// The names in two lists, and whether offline access is in the first one; `None` if neither list exists.
fn listed_scopes(of: &SourceField<'_>, lists: [&str; 2]) -> Option<(BTreeSet<String>, bool)> {
    if !lists.iter().any(|list| of.get(list).value.is_array()) {
        return None;
    }
    let [default, optional] = lists.map(|list| of.texts(list));
    let is_default = has_offline_access(&default);
    Some((default.into_iter().chain(optional).collect(), is_default))
}

/// Whether a client may have offline access.
pub(super) fn has_offline_access(scopes: &[String]) -> bool {
    scopes.iter().any(|scope| scope == OFFLINE_ACCESS)
}

/// Reads the scopes of a realm.
pub(super) fn realm_scopes(import: &mut ImportCollector, realm: &SourceField<'_>) -> RealmScopes {
    let client_defaults = listed_scopes(realm, REALM_LISTS);
    let mut found = RealmScopes { client_defaults, ..RealmScopes::default() };
    for scope in realm.items("clientScopes") {
        let Some(name) = scope.text("name") else { continue };
        if STANDARD.contains(&name.as_str()) || INTERNAL.contains(&name.as_str()) {
            continue;
        }
        if scope.text("protocol").is_some_and(|protocol| protocol != "openid-connect") {
            import.notes.add(
                &scope,
                format!("the scope {name:?} is not imported: it is not of OpenID Connect"),
            );
            continue;
        }
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        if !name.bytes().all(is_plain) || found.tenant.len() >= 64 {
            import.notes.add(
                &scope,
                format!(
                    "the scope {name:?} is not imported: OAuth has no such scopes, or it is the 65th"
                ),
            );
            continue;
        }
        let mut claims = Vec::new();
        for mapper in scope.items("protocolMappers") {
            let config = mapper.get("config");
            let names = config.text("user.attribute").zip(config.text("claim.name"));
            match names {
                Some((attribute, claim))
                    if mapper.text("protocolMapper").as_deref() == Some(ATTRIBUTE_MAPPER)
                        && !claim.contains('.') =>
                {
                    found.claims.insert(attribute, claim.clone());
                    claims.push(claim);
                }
                _ if mapper.text("protocolMapper").as_deref() == Some(GROUP_MAPPER) => {
                    let message = "the mapper is not imported: groups come with the scope groups, which applications request";
                    import.notes.add(&mapper, message);
                }
                _ => import.notes.add(&mapper, "the mapper is not imported: only attributes of users become claims, with a name without dots"),
            }
        }
        let description = scope.text("description").map(|text| text.chars().take(256).collect());
        found.tenant.insert(name, CustomScopeSpec { description, claims });
    }
    found
}
