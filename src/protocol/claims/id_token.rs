//! The claims of ID tokens (OIDC Core §2).

use std::time::Duration;

use serde_json::json;

use super::{
    super::{authentication::Authentication, sid, subject},
    Claims, GRANT_ID_CLAIM,
};
use crate::model::{Client, Tenant, Timestamp};

/// The contents of an ID token.
#[derive(Clone, Debug)]
pub struct IdToken<'a> {
    /// The tenant that issues the token. Its issuer is the claim `iss`.
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
    /// The ID of the grant, which the token names if the client can exchange it.
    pub grant_id: &'a str,
    /// Claims about the user ([`id_token_user_claims`](super::id_token_user_claims)).
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
        let grant_id = self.client.can_exchange_id_tokens().then_some(self.grant_id);
        let sid = self.sid.map(|own| sid::sid_for_client(self.client, own));
        let optional = [
            ("acr", self.acr),
            ("sid", sid.as_deref()),
            ("nonce", self.nonce),
            ("at_hash", self.at_hash),
            ("c_hash", self.c_hash),
            (GRANT_ID_CLAIM, grant_id),
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
