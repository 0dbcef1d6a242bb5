//! Records of the format 0.1, in which a sign-in was a time and a list of methods.

use std::collections::BTreeSet;

use serde::{Deserialize, de::DeserializeOwned};

use super::{
    AuthorizationCode, DecodeError, FormatVersion, Grant, GrantState, RequestedClaims, SealedCode,
    Session,
};
use crate::{
    model::{ClientId, Subject, Timestamp},
    protocol::authentication::{Authentication, AuthenticationEvent, AuthenticationMethod},
};

/// Reads a record of the format 0.1.
pub(super) fn read<T: DeserializeOwned>(
    version: FormatVersion,
    fields: &[u8],
) -> Result<T, DecodeError> {
    if version != (FormatVersion { major: 0, minor: 1 }) {
        return Err(DecodeError);
    }
    postcard::from_bytes(fields).map_err(|_| DecodeError)
}

#[derive(Deserialize)]
struct AuthenticationV0 {
    subject: Subject,
    auth_time: Timestamp,
    amr: Vec<String>,
    acr: Option<String>,
}

impl AuthenticationV0 {
    /// The authentication, and `acr`.
    fn upgrade(self) -> (Authentication, Option<String>) {
        let at = self.auth_time;
        let event =
            |amr: &String| AuthenticationEvent { method: AuthenticationMethod::new(amr), at };
        let events = self.amr.iter().map(event).collect();
        (Authentication { subject: self.subject, events }, self.acr)
    }
}

#[derive(Deserialize)]
pub(super) struct SessionV0 {
    sid: String,
    authentication: AuthenticationV0,
    created_at: Timestamp,
    ends_at: Timestamp,
    used_at: Timestamp,
    clients: BTreeSet<ClientId>,
}

impl From<SessionV0> for Session {
    fn from(old: SessionV0) -> Self {
        let SessionV0 { sid, authentication, created_at, ends_at, used_at, clients } = old;
        let (authentication, _) = authentication.upgrade();
        Self { sid, authentication, created_at, ends_at, used_at, clients }
    }
}

#[derive(Deserialize)]
pub(super) struct GrantV0 {
    client: ClientId,
    authentication: AuthenticationV0,
    sid: Option<String>,
    scopes: BTreeSet<String>,
    nonce: Option<String>,
    wants_auth_time: bool,
    created_at: Timestamp,
    ends_at: Timestamp,
    state: GrantState,
    claims: RequestedClaims,
}

impl From<GrantV0> for Grant {
    fn from(old: GrantV0) -> Self {
        let (authentication, acr) = old.authentication.upgrade();
        Self {
            client: old.client,
            authentication,
            acr,
            sid: old.sid,
            scopes: old.scopes,
            nonce: old.nonce,
            wants_auth_time: old.wants_auth_time,
            created_at: old.created_at,
            ends_at: old.ends_at,
            state: old.state,
            claims: old.claims,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct AuthorizationCodeV0 {
    grant_id: String,
    incarnation: String,
    grant: GrantV0,
    redirect_uri: Option<String>,
    code_challenge: Option<String>,
    expires_at: Timestamp,
    grant_stored: bool,
}

impl From<AuthorizationCodeV0> for AuthorizationCode {
    fn from(old: AuthorizationCodeV0) -> Self {
        Self {
            grant_id: old.grant_id,
            incarnation: old.incarnation,
            grant: old.grant.into(),
            redirect_uri: old.redirect_uri,
            code_challenge: old.code_challenge,
            expires_at: old.expires_at,
            grant_stored: old.grant_stored,
        }
    }
}

#[derive(Deserialize)]
pub(super) enum SealedCodeV0 {
    Whole(Box<AuthorizationCodeV0>),
    Stored(String),
}

impl From<SealedCodeV0> for SealedCode {
    fn from(old: SealedCodeV0) -> Self {
        match old {
            SealedCodeV0::Whole(code) => Self::Whole(Box::new((*code).into())),
            SealedCodeV0::Stored(id) => Self::Stored(id),
        }
    }
}
