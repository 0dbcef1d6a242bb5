//! The claims of tokens and of userinfo (OIDC Core §2, §5; RFC 9068 §2.2).

use std::{collections::BTreeSet, time::Duration};

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    authentication::Authentication,
    scope::{self, Scopes},
    sid, subject,
};
use crate::model::{Account, Client, SigningAlgorithm, Tenant, Timestamp};

/// A set of claims.
pub type Claims = Map<String, Value>;

/// The access token claim with the ID of its grant.
pub const GRANT_ID_CLAIM: &str = "grant_id";

/// The contents of an access token.
#[derive(Clone, Copy, Debug)]
pub struct AccessToken<'a> {
    /// The issuing tenant.
    pub tenant: &'a Tenant,
    /// The client that receives the token.
    pub client: &'a Client,
    /// The subject: a user, or the client itself.
    pub subject: &'a str,
    /// The granted scopes.
    pub scopes: &'a Scopes,
    /// The ID of the grant. `None` for `client_credentials`.
    pub grant_id: Option<&'a str>,
    /// The token ID.
    pub jti: &'a str,
}

impl AccessToken<'_> {
    /// Returns the claims (RFC 9068 §2.2). Scopes are in `scope` (the standard claim) and in
    /// `scopes`.
    pub fn claims(&self, now: Timestamp) -> AccessTokenClaims<'_> {
        let issuer = self.tenant.issuer.as_str();
        AccessTokenClaims {
            iss: issuer,
            aud: issuer,
            sub: self.subject,
            client_id: self.client.id.as_str(),
            jti: self.jti,
            iat: now.secs(),
            nbf: now.secs(),
            exp: now.plus(self.client.lifetimes.access_token).secs(),
            scope: scope::join(self.scopes),
            scopes: self.scopes,
            grant_id: self.grant_id,
        }
    }
}

/// The serialized form. A struct, because access tokens are signed more often than others.
#[derive(Debug, Serialize)]
pub struct AccessTokenClaims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    client_id: &'a str,
    jti: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
    /// Without scopes the claim is omitted rather than empty (RFC 6749 §3.3).
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    scopes: &'a Scopes,
    /// `GRANT_ID_CLAIM`
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_id: Option<&'a str>,
}

/// The contents of an ID token.
#[derive(Clone, Debug)]
pub struct IdToken<'a> {
    /// The issuing tenant.
    pub tenant: &'a Tenant,
    /// The client that receives the token.
    pub client: &'a Client,
    /// The user, and how and when they signed in.
    pub authentication: &'a Authentication,
    /// `acr`, if the sign-in reached a level of assurance.
    pub acr: Option<&'a str>,
    /// Whether to include `auth_time`, which is required only if requested (OIDC Core §2).
    pub with_auth_time: bool,
    /// The session's public ID, from which `sid` is derived.
    pub sid: Option<&'a str>,
    /// `nonce` of the authorization request.
    pub nonce: Option<&'a str>,
    /// `at_hash` of the access token issued in the same response.
    pub at_hash: Option<&'a str>,
    /// `c_hash` of the code issued in the same response.
    pub c_hash: Option<&'a str>,
    /// Claims about the user: individually requested ones (OIDC Core §5.5), and those of scopes
    /// only if no access token is issued to fetch them with (§5.4).
    pub person: Claims,
}

impl IdToken<'_> {
    /// Returns the claims (OIDC Core §2).
    pub fn claims(&self, now: Timestamp) -> Claims {
        let mut claims = self.person.clone();
        let issuer = self.tenant.issuer.as_str();
        claims.append(&mut times(issuer, self.client.lifetimes.id_token, now));
        let subject = subject::subject_for_client(self.client, &self.authentication.subject);
        claims.insert("sub".into(), json!(subject));
        claims.insert("aud".into(), json!(self.client.id));
        if self.with_auth_time {
            claims.insert("auth_time".into(), json!(self.authentication.auth_time().secs()));
        }
        claims.insert("amr".into(), json!(self.authentication.amr()));
        let sid = self.sid.map(|own| sid::sid_for_client(self.client, own));
        let optional = [
            ("acr", self.acr),
            ("sid", sid.as_deref()),
            ("nonce", self.nonce),
            ("at_hash", self.at_hash),
            ("c_hash", self.c_hash),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                claims.insert(name.into(), json!(value));
            }
        }
        claims
    }
}

fn times(issuer: &str, lifetime: Duration, now: Timestamp) -> Claims {
    let mut claims = Claims::new();
    claims.insert("iss".into(), json!(issuer));
    claims.insert("iat".into(), json!(now.secs()));
    claims.insert("exp".into(), json!(now.plus(lifetime).secs()));
    claims
}

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
pub fn standard() -> impl Iterator<Item = &'static str> + use<> {
    let others = ["email", "email_verified", "address", "phone_number", "phone_number_verified"];
    PROFILE.into_iter().chain(others).chain(["groups", "tenant_name", "tenant_sub"])
}

/// Returns the user's claims that scopes include (OIDC Core §5.4), without null or empty values.
pub fn by_scope(tenant: &Tenant, user: &Account, scopes: &Scopes) -> Claims {
    let mut claims = Claims::new();
    for scope in scopes {
        let names: &[&str] = match scope.as_str() {
            "profile" => &PROFILE,
            "email" => &["email", "email_verified"],
            "address" => &["address"],
            "phone" => &["phone_number", "phone_number_verified"],
            "groups" if !user.groups.is_empty() => {
                claims.insert("groups".into(), json!(user.groups));
                continue;
            }
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

/// Rule: claims without a value are omitted (OIDC Core §5.3.2).
fn copy(user: &Account, name: &str, claims: &mut Claims) {
    if let Some(value) = user.claims.get(name).filter(|value| has_content(value)) {
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
pub fn gives(tenant: &Tenant, scope: &str, name: &str) -> bool {
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
/// the client's scopes include. Never null or empty.
pub fn by_name(
    tenant: &Tenant,
    client: &Client,
    user: &Account,
    names: &BTreeSet<String>,
) -> Claims {
    if names.is_empty() {
        return Claims::new();
    }
    let mut claims = by_scope(tenant, user, &client.scopes);
    claims.retain(|name, _| names.contains(name));
    claims
}

/// Returns the userinfo response (OIDC Core §5.3.2): claims by scope, and individually requested
/// ones.
pub fn userinfo(
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

/// Computes `at_hash` or `c_hash`: the left half of the hash of the signing algorithm (OIDC Core
/// §3.1.3.6; SHA-512 for Ed25519).
pub fn left_half_hash(algorithm: SigningAlgorithm, text: &str) -> String {
    let hash = match algorithm {
        SigningAlgorithm::RS256 | SigningAlgorithm::ES256 => &digest::SHA256,
        SigningAlgorithm::EdDSA => &digest::SHA512,
    };
    let hash = digest::digest(hash, text.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2])
}

#[cfg(test)]
mod tests;
