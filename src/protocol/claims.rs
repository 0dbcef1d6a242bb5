//! The claims of tokens and of userinfo (OIDC Core §2, §5; RFC 9068 §2.2).

use std::{collections::BTreeSet, time::Duration};

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    records::Authentication,
    scope::{self, Scopes},
    sid, subject,
};
use crate::model::{Client, SigningAlgorithm, Tenant, Timestamp, User};

/// A set of claims.
pub type Claims = Map<String, Value>;

/// The claim of an access token that names its grant.
pub const GRANT_ID_CLAIM: &str = "gid";

/// What an access token says.
#[derive(Clone, Copy, Debug)]
pub struct AccessToken<'a> {
    /// Who issues it.
    pub tenant: &'a Tenant,
    /// Whom it is given to.
    pub client: &'a Client,
    /// Whom it is about: a person, or the client itself.
    pub subject: &'a str,
    /// What it allows.
    pub scopes: &'a Scopes,
    /// Its grant; none for `client_credentials`.
    pub grant_id: Option<&'a str>,
    /// Its own id.
    pub jti: &'a str,
}

impl AccessToken<'_> {
    /// The claims (RFC 9068 §2.2); scopes both as `scope` (the standard) and as `scopes`.
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
            gid: self.grant_id,
        }
    }
}

/// Written as they are: of all tokens, these are signed most often.
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
    /// None is no scope at all, not an empty one (RFC 6749 §3.3).
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    scopes: &'a Scopes,
    /// `GRANT_ID_CLAIM`.
    #[serde(skip_serializing_if = "Option::is_none")]
    gid: Option<&'a str>,
}

/// What an ID token says.
#[derive(Clone, Debug)]
pub struct IdToken<'a> {
    /// Who issues it.
    pub tenant: &'a Tenant,
    /// Whom it is given to.
    pub client: &'a Client,
    /// Who signed in, and how.
    pub authentication: &'a Authentication,
    /// Whether it says when (OIDC Core §2: when asked for).
    pub with_auth_time: bool,
    /// The public id of the session, which becomes `sid`.
    pub sid: Option<&'a str>,
    /// `nonce` of the request.
    pub nonce: Option<&'a str>,
    /// `at_hash` of the access token that comes with it.
    pub at_hash: Option<&'a str>,
    /// `c_hash` of the code that comes with it.
    pub c_hash: Option<&'a str>,
    /// Claims of the person: by scope only where no access token can fetch them (OIDC Core §5.4),
    /// and those that were asked for by name (§5.5).
    pub person: Claims,
}

impl IdToken<'_> {
    /// The claims (OIDC Core §2).
    pub fn claims(&self, now: Timestamp) -> Claims {
        let mut claims = self.person.clone();
        let issuer = self.tenant.issuer.as_str();
        claims.append(&mut times(issuer, self.client.lifetimes.id_token, now));
        let subject = subject::subject_for_client(self.client, &self.authentication.subject);
        claims.insert("sub".into(), json!(subject));
        claims.insert("aud".into(), json!(self.client.id));
        if self.with_auth_time {
            claims.insert("auth_time".into(), json!(self.authentication.auth_time.secs()));
        }
        if !self.authentication.amr.is_empty() {
            claims.insert("amr".into(), json!(self.authentication.amr));
        }
        let sid = self.sid.map(|own| sid::sid_for_client(self.client, own));
        let optional = [
            ("acr", self.authentication.acr.as_deref()),
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

/// The standard claims, for discovery.
pub fn standard() -> impl Iterator<Item = &'static str> + use<> {
    let others = ["email", "email_verified", "address", "phone_number", "phone_number_verified"];
    PROFILE.into_iter().chain(others).chain(["groups", "tenant_name", "tenant_sub"])
}

/// The claims of a person that scopes give (OIDC Core §5.4). Never null or empty.
pub fn by_scope(tenant: &Tenant, user: &User, scopes: &Scopes) -> Claims {
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

/// Rule: a claim that says nothing is left out (OIDC Core §5.3.2).
fn copy(user: &User, name: &str, claims: &mut Claims) {
    if let Some(value) = user.claims.get(name).filter(|value| says_something(value)) {
        claims.insert(name.to_owned(), value.clone());
    }
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(all) => !all.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// Whether a scope gives a claim.
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

/// The claims of a person that were asked for by name (OIDC Core §5.5), of those that the client's
/// scopes could give. Never null or empty.
pub fn by_name(tenant: &Tenant, client: &Client, user: &User, names: &BTreeSet<String>) -> Claims {
    if names.is_empty() {
        return Claims::new();
    }
    let mut claims = by_scope(tenant, user, &client.scopes);
    claims.retain(|name, _| names.contains(name));
    claims
}

/// The answer of userinfo (OIDC Core §5.3.2): by scope, and what was asked for by name.
pub fn userinfo(
    tenant: &Tenant,
    client: &Client,
    user: &User,
    scopes: &Scopes,
    named: &BTreeSet<String>,
) -> Claims {
    let mut claims = by_scope(tenant, user, scopes);
    claims.extend(by_name(tenant, client, user, named));
    claims.insert("sub".into(), json!(subject::subject_for_client(client, &user.subject)));
    claims
}

/// `at_hash` and `c_hash`: the left half of the hash that goes with the algorithm (OIDC Core
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
