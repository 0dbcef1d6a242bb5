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

/// The scopes of a realm.
#[derive(Debug, Default)]
pub(super) struct RealmScopes {
    /// Custom scopes of the tenant.
    pub(super) tenant: BTreeMap<String, CustomScopeSpec>,
    /// Names of claims by the attributes that they come from.
    pub(super) claims: BTreeMap<String, String>,
}

impl RealmScopes {
    /// The scopes of a client, as far as the tenant has them.
    pub(super) fn client_scopes(&self, client: &SourceField<'_>) -> Vec<String> {
        let lists = ["defaultClientScopes", "optionalClientScopes"].map(|it| client.texts(it));
        let named: BTreeSet<String> = lists.concat().into_iter().collect();
        if named.is_empty() {
            return Vec::new();
        }
        let mut scopes = vec!["openid".to_owned()];
        let has = |name: &str| STANDARD.contains(&name) || self.tenant.contains_key(name);
        scopes.extend(named.into_iter().filter(|name| name != "openid" && has(name)));
        if !scopes.iter().any(|scope| scope == "groups") {
            scopes.push("groups".to_owned());
        }
        scopes
    }
}

/// Whether a client may have offline access.
pub(super) fn has_offline_access(scopes: &[String]) -> bool {
    scopes.iter().any(|scope| scope == OFFLINE_ACCESS)
}

/// Reads the scopes of a realm.
pub(super) fn realm_scopes(import: &mut ImportCollector, realm: &SourceField<'_>) -> RealmScopes {
    let mut found = RealmScopes::default();
    for scope in realm.items("clientScopes") {
        let Some(name) = scope.text("name") else { continue };
        if STANDARD.contains(&name.as_str()) || INTERNAL.contains(&name.as_str()) {
            continue;
        }
        if scope.text("protocol").is_some_and(|protocol| protocol != "openid-connect") {
            import.notes.add(
                &scope,
                format!("the scope {name:?} is not carried: it is not of OpenID Connect"),
            );
            continue;
        }
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        if !name.bytes().all(is_plain) || found.tenant.len() >= 64 {
            import.notes.add(
                &scope,
                format!(
                    "the scope {name:?} is not carried: OAuth has no such scopes, or it is the 65th"
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
                    let message = "the mapper is not carried: groups come with the scope groups, which applications request";
                    import.notes.add(&mapper, message);
                }
                _ => import.notes.add(&mapper, "the mapper is not carried: only attributes of users become claims, with a name without dots"),
            }
        }
        let description = scope.text("description").map(|text| text.chars().take(256).collect());
        found.tenant.insert(name, CustomScopeSpec { description, claims });
    }
    found
}
