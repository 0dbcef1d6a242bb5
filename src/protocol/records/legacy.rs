//! Records of the format 0.1, in which a sign-in was a time and a list of methods.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, de::DeserializeOwned};

use super::{
    AuthorizationCode, Consent, DecodeError, FormatVersion, Grant, GrantState, RequestedClaims,
    SealedCode, Session, SupersededTimes,
};
use crate::{
    model::{ClientId, Subject, Timestamp},
    protocol::authentication::{Authentication, AuthenticationEvent, AuthenticationMethod},
};

/// Reads a record of the format 0.1.
pub(super) fn read_legacy_record<T: DeserializeOwned>(
    version: FormatVersion,
    fields: &[u8],
) -> Result<T, DecodeError> {
    if version != (FormatVersion { major: 0, minor: 1 }) {
        return Err(DecodeError);
    }
    parse_legacy_fields(fields)
}

/// Parses the fields of a record.
pub(super) fn parse_legacy_fields<T: DeserializeOwned>(fields: &[u8]) -> Result<T, DecodeError> {
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
        Self {
            sid,
            authentication,
            created_at,
            ends_at,
            used_at,
            clients,
            client_objects: BTreeMap::new(),
            marks: None,
        }
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
            marks: None,
        }
    }
}

/// The times that a record without them stands for. The release that wrote it accepted the second
/// previous token after the rotation to the current one, too.
pub(super) fn superseded_before(state: &GrantState) -> SupersededTimes {
    let GrantState::Active { generation, rotated_at } = *state else {
        return SupersededTimes::default();
    };
    let at = |least: u32| (generation >= least).then_some(rotated_at);
    SupersededTimes { previous: at(2), second_previous: at(3) }
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

#[derive(Deserialize)]
pub(super) struct ConsentV0 {
    scopes: BTreeSet<String>,
    given_at: Timestamp,
}

impl From<ConsentV0> for Consent {
    fn from(old: ConsentV0) -> Self {
        Self { scopes: old.scopes, given_at: old.given_at, marks: None }
    }
}
