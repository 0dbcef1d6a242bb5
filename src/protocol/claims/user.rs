//! The claims about the user (OIDC Core §5): which scopes include them, and which tokens and
//! responses contain them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    super::{scope::Scopes, subject},
    Claims,
};
use crate::model::{Account, Client, IdTokenClaimsPolicy, Tenant};

const PROFILE: [&str; 14] = [
    "name",
    "family_name",
    "given_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
];

/// Returns the names of the standard claims, for discovery.
pub fn standard_claims() -> impl Iterator<Item = &'static str> + use<> {
    let others = ["email", "email_verified", "address", "phone_number", "phone_number_verified"];
    PROFILE.into_iter().chain(others).chain(["groups", "tenant_name", "tenant_sub"])
}

/// Returns the user's claims that scopes include (OIDC Core §5.4). Empty claims are left out, except
/// that `groups` is an empty array for a user without groups: applications that require the claim
/// would otherwise refuse the user.
pub(super) fn by_scope(tenant: &Tenant, user: &Account, scopes: &Scopes) -> Claims {
    let mut claims = Claims::new();
    for scope in scopes {
        let names: &[&str] = match scope.as_str() {
            "profile" => &PROFILE,
            "email" => &["email", "email_verified"],
            "address" => &["address"],
            "phone" => &["phone_number", "phone_number_verified"],
            "groups" => &["groups"],
            "tenant" => {
                claims.insert("tenant_name".into(), json!(tenant.organization.name));
                claims.insert("tenant_sub".into(), json!(tenant.organization.id));
                continue;
            }
            _ => {
                let custom = tenant.scopes.get(scope).map(|scope| scope.claims.as_slice());
                for name in custom.unwrap_or_default() {
                    copy(user, name, &mut claims);
                }
                continue;
            }
        };
        for name in names {
            copy(user, name, &mut claims);
        }
    }
    claims
}

/// Returns the user's claims by name, for a resource server that declares them.
pub fn named_claims(user: &Account, names: &BTreeSet<String>) -> Claims {
    let mut claims = Claims::new();
    for name in names {
        copy(user, name, &mut claims);
    }
    claims
}

/// Rule: claims without a value are omitted (OIDC Core §5.3.2), except `groups`.
fn copy(user: &Account, name: &str, claims: &mut Claims) {
    if name == "groups" {
        claims.insert(name.to_owned(), json!(user.groups));
    } else if let Some(value) = user.claims.get(name).filter(|value| has_content(value)) {
        claims.insert(name.to_owned(), value.clone());
    }
}

fn has_content(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(all) => !all.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// Returns true if a scope includes a claim.
pub fn scope_has_claim(tenant: &Tenant, scope: &str, name: &str) -> bool {
    match scope {
        "profile" => PROFILE.contains(&name),
        "email" => ["email", "email_verified"].contains(&name),
        "phone" => ["phone_number", "phone_number_verified"].contains(&name),
        "address" | "groups" => scope == name,
        "tenant" => ["tenant_name", "tenant_sub"].contains(&name),
        _ => tenant.scopes.get(scope).is_some_and(|it| it.claims.iter().any(|it| it == name)),
    }
}

/// Returns the individually requested claims of the user (OIDC Core §5.5), limited to those that
/// the client's scopes include.
fn by_name(tenant: &Tenant, client: &Client, user: &Account, names: &BTreeSet<String>) -> Claims {
    if names.is_empty() {
        return Claims::new();
    }
    let mut claims = by_scope(tenant, user, &client.scopes);
    claims.retain(|name, _| names.contains(name));
    claims
}

/// The inputs of the claims about the user in an ID token.
#[derive(Clone, Copy, Debug)]
pub struct IdTokenContents<'a> {
    /// The granted scopes, which stand for claims (OIDC Core §5.4).
    pub scopes: &'a Scopes,
    /// The claims that were requested by name for ID tokens.
    pub named: &'a BTreeSet<String>,
    /// Whether the response also contains a code.
    pub with_code: bool,
    /// Whether the response also contains an access token.
    pub with_access_token: bool,
}

/// Returns the claims about the user in an ID token. These are individually requested claims (OIDC Core §5.5), and
/// the claims of the granted scopes (OIDC Core §5.4), because most applications read only the ID token.
///
/// An ID token that is sent along with a code does not contain the claims of scopes. It travels through the
/// browser, and the token endpoint returns another one. With [`IdTokenClaimsPolicy::Minimal`], only an ID token
/// without an access token contains them.
pub fn id_token_user_claims(
    tenant: &Tenant,
    client: &Client,
    user: &Account,
    contents: IdTokenContents<'_>,
) -> Claims {
    let of_scopes = match client.tokens.id_token_claims {
        _ if contents.with_code => false,
        IdTokenClaimsPolicy::Scopes => true,
        IdTokenClaimsPolicy::Minimal => !contents.with_access_token,
    };
    let mut claims =
        if of_scopes { by_scope(tenant, user, contents.scopes) } else { Claims::new() };
    claims.extend(by_name(tenant, client, user, contents.named));
    claims
}

/// Returns the userinfo response (OIDC Core §5.3.2): claims by scope, and individually requested
/// ones.
pub fn userinfo_claims(
    tenant: &Tenant,
    client: &Client,
    user: &Account,
    scopes: &Scopes,
    named: &BTreeSet<String>,
) -> Claims {
    let mut claims = by_scope(tenant, user, scopes);
    claims.extend(by_name(tenant, client, user, named));
    claims.insert("sub".into(), json!(subject::subject_for_client(client, &user.subject)));
    claims
}
