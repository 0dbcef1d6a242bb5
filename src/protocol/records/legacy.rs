//! Earlier formats of records: 0.1, in which a sign-in was a time and a list of methods, and 1.0.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    AuthorizationCode, DecodeError, FormatVersion, Grant, GrantState, RequestedClaims, SealedCode,
    Session, SupersededTimes,
};
use crate::{
    model::{ClientId, ObjectKey, Subject, Timestamp},
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
    parse(fields)
}

/// Parses the fields of a record.
pub(super) fn parse<T: DeserializeOwned>(fields: &[u8]) -> Result<T, DecodeError> {
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
        let client_objects = BTreeMap::new();
        Self { sid, authentication, created_at, ends_at, used_at, clients, client_objects }
    }
}

#[derive(Deserialize)]
pub(super) struct SessionV1 {
    sid: String,
    authentication: Authentication,
    created_at: Timestamp,
    ends_at: Timestamp,
    used_at: Timestamp,
    clients: BTreeSet<ClientId>,
}

impl From<SessionV1> for Session {
    fn from(old: SessionV1) -> Self {
        let SessionV1 { sid, authentication, created_at, ends_at, used_at, clients } = old;
        let client_objects = BTreeMap::new();
        Self { sid, authentication, created_at, ends_at, used_at, clients, client_objects }
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
            superseded: superseded_before(&old.state),
            state: old.state,
            claims: old.claims,
            client_object: None,
        }
    }
}

/// The times that a record without them stands for. The release that wrote it accepted the second
/// previous token after the rotation to the current one, too.
fn superseded_before(state: &GrantState) -> SupersededTimes {
    let GrantState::Active { generation, rotated_at } = *state else {
        return SupersededTimes::default();
    };
    let at = |least: u32| (generation >= least).then_some(rotated_at);
    SupersededTimes { previous: at(2), second_previous: at(3) }
}

/// A grant of the format 1.0. Codes contain it in this form: their fields cannot change.
#[derive(Deserialize, Serialize)]
pub(super) struct GrantV1 {
    client: ClientId,
    authentication: Authentication,
    acr: Option<String>,
    sid: Option<String>,
    scopes: BTreeSet<String>,
    nonce: Option<String>,
    wants_auth_time: bool,
    created_at: Timestamp,
    ends_at: Timestamp,
    state: GrantState,
    claims: RequestedClaims,
}

impl From<GrantV1> for Grant {
    fn from(old: GrantV1) -> Self {
        Self {
            client: old.client,
            authentication: old.authentication,
            acr: old.acr,
            sid: old.sid,
            scopes: old.scopes,
            nonce: old.nonce,
            wants_auth_time: old.wants_auth_time,
            created_at: old.created_at,
            ends_at: old.ends_at,
            superseded: superseded_before(&old.state),
            state: old.state,
            claims: old.claims,
            client_object: None,
        }
    }
}

impl From<Grant> for GrantV1 {
    fn from(grant: Grant) -> Self {
        Self {
            client: grant.client,
            authentication: grant.authentication,
            acr: grant.acr,
            sid: grant.sid,
            scopes: grant.scopes,
            nonce: grant.nonce,
            wants_auth_time: grant.wants_auth_time,
            created_at: grant.created_at,
            ends_at: grant.ends_at,
            state: grant.state,
            claims: grant.claims,
        }
    }
}

/// A code of the format 1.0.
#[derive(Deserialize, Serialize)]
pub(super) struct AuthorizationCodeV1 {
    grant_id: String,
    incarnation: String,
    grant: GrantV1,
    redirect_uri: Option<String>,
    code_challenge: Option<String>,
    expires_at: Timestamp,
    grant_stored: bool,
}

impl From<AuthorizationCodeV1> for AuthorizationCode {
    fn from(written: AuthorizationCodeV1) -> Self {
        Self {
            grant_id: written.grant_id,
            incarnation: written.incarnation,
            grant: written.grant.into(),
            redirect_uri: written.redirect_uri,
            code_challenge: written.code_challenge,
            expires_at: written.expires_at,
            grant_stored: written.grant_stored,
        }
    }
}

/// A code as it is written: fields that a grant has besides those of 1.0 come last.
#[derive(Deserialize, Serialize)]
pub(super) struct WrittenCode {
    first: AuthorizationCodeV1,
    client_object: Option<ObjectKey>,
}

impl From<WrittenCode> for AuthorizationCode {
    fn from(written: WrittenCode) -> Self {
        let mut code = Self::from(written.first);
        code.grant.client_object = written.client_object;
        code
    }
}

impl From<AuthorizationCode> for WrittenCode {
    fn from(code: AuthorizationCode) -> Self {
        Self {
            client_object: code.grant.client_object.clone(),
            first: AuthorizationCodeV1 {
                grant_id: code.grant_id,
                incarnation: code.incarnation,
                grant: code.grant.into(),
                redirect_uri: code.redirect_uri,
                code_challenge: code.code_challenge,
                expires_at: code.expires_at,
                grant_stored: code.grant_stored,
            },
        }
    }
}

#[derive(Deserialize)]
pub(super) enum SealedCodeV1 {
    Whole(Box<AuthorizationCodeV1>),
    Stored(String),
}

impl From<SealedCodeV1> for SealedCode {
    fn from(old: SealedCodeV1) -> Self {
        match old {
            SealedCodeV1::Whole(code) => Self::Whole(Box::new((*code).into())),
            SealedCodeV1::Stored(id) => Self::Stored(id),
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
