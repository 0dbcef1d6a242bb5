//! The claims of access tokens (RFC 9068 §2.2), and their lifetime.

use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::super::{
    authorization_details::AuthorizationDetail,
    scope::{self, Scopes},
    sender_keys::BoundKey,
};
use crate::model::{Client, ResourceServer, Tenant, Timestamp};

/// How much earlier than `iat` access tokens are valid, for verifiers whose clock is behind.
const CLOCK_ALLOWANCE: Duration = Duration::from_secs(10);

/// The claim with the ID of the grant. Access tokens have it, and ID tokens that can be exchanged.
pub const GRANT_ID_CLAIM: &str = "grant_id";

/// The access token claim with the object of the client, `<namespace>/<name>`. Tokens of a client whose ID names its
/// object, as the default ID does, have none.
pub const CLIENT_OBJECT_CLAIM: &str = "client_object";

/// The contents of an access token.
#[derive(Clone, Copy, Debug)]
pub struct AccessToken<'a> {
    /// The tenant that issues the token. Its issuer is the claim `iss`.
    pub tenant: &'a Tenant,
    /// The client that receives the token.
    pub client: &'a Client,
    /// The subject: a user, or the client itself.
    pub subject: &'a str,
    /// The granted scopes that the token contains. If there are none, the token has no claim `scope`.
    pub scopes: &'a Scopes,
    /// The authorization details that the token contains. If there are none, it has no claim `authorization_details`.
    pub details: &'a [AuthorizationDetail],
    /// The ID of the grant. `None` for `client_credentials`.
    pub grant_id: Option<&'a str>,
    /// The claim `jti`: a random ID, by which the token can be revoked.
    pub jti: &'a str,
    /// The key that the token is bound to (`cnf`); `None` for a bearer token.
    pub key: Option<&'a BoundKey>,
    /// The resource server that it is for; `None`: the issuer.
    pub server: Option<&'a ResourceServer>,
    /// The latest time of expiry, whatever the lifetime is; `None`: no such limit.
    pub not_after: Option<Timestamp>,
    /// The claim `act` (RFC 8693 §4.1).
    pub actors: Option<&'a Value>,
}

/// The value of [`CLIENT_OBJECT_CLAIM`] in tokens of a client.
pub fn client_object(client: &Client) -> Option<String> {
    let object = &client.object;
    let rest = client.id.as_str().strip_prefix(&*object.namespace);
    let is_default = rest.and_then(|rest| rest.strip_prefix('.')) == Some(&*object.name);
    // The URL of a metadata document is its object too.
    (!is_default).then(|| object.to_string()).filter(|object| object != client.id.as_str())
}

/// The lifetime of an access token: the shorter one of its client and its resource server.
pub fn access_token_lifetime(client: &Client, server: Option<&ResourceServer>) -> Duration {
    let own = client.lifetimes.access_token;
    server.and_then(|it| it.lifetime).map_or(own, |lifetime| lifetime.min(own))
}

/// The time at which an access token that is issued now expires. `not_after`: the latest one, whatever the lifetime is.
pub fn access_token_expiry(
    client: &Client,
    server: Option<&ResourceServer>,
    not_after: Option<Timestamp>,
    now: Timestamp,
) -> Timestamp {
    let expires_at = now.plus(access_token_lifetime(client, server));
    not_after.map_or(expires_at, |end| end.min(expires_at))
}

impl AccessToken<'_> {
    /// The time at which the token expires if it is issued now.
    pub fn expires_at(&self, now: Timestamp) -> Timestamp {
        access_token_expiry(self.client, self.server, self.not_after, now)
    }

    /// Returns the claims (RFC 9068 §2.2). Scopes are in `scope` (the standard claim) and in
    /// `scopes`. Only access tokens have `client_id`, which distinguishes them from ID tokens
    /// whatever their `typ` is.
    pub fn claims(&self, now: Timestamp) -> AccessTokenClaims<'_> {
        let issuer = self.tenant.issuer.as_str();
        AccessTokenClaims {
            iss: issuer,
            aud: self.server.map_or(issuer, |server| &server.identifier),
            sub: self.subject,
            client_id: self.client.id.as_str(),
            client_object: client_object(self.client),
            jti: self.jti,
            iat: now.secs(),
            nbf: now.minus(CLOCK_ALLOWANCE).secs(),
            exp: self.expires_at(now).secs(),
            scope: scope::join_scopes(self.scopes),
            scopes: self.scopes,
            authorization_details: self.details,
            grant_id: self.grant_id,
            cnf: self.key.map(Confirmation),
            act: self.actors,
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
    /// The value of [`CLIENT_OBJECT_CLAIM`].
    #[serde(skip_serializing_if = "Option::is_none")]
    client_object: Option<String>,
    jti: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
    /// Without scopes the claim is omitted rather than empty (RFC 6749 §3.3).
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    scopes: &'a Scopes,
    /// RFC 9396 §9.1.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    authorization_details: &'a [AuthorizationDetail],
    /// The value of [`GRANT_ID_CLAIM`].
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_id: Option<&'a str>,
    /// The key of the sender (RFC 9449 §6.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation<'a>>,
    /// The client that acts for the subject (RFC 8693 §4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<&'a Value>,
}

/// The key that a token is bound to (RFC 7800 §3.1, RFC 8705 §3.1, RFC 9449 §6.1).
#[derive(Debug)]
struct Confirmation<'a>(&'a BoundKey);

impl Serialize for Confirmation<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([self.0.confirmation()])
    }
}
