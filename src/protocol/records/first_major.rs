//! Records of the format 1.0, and codes as they are written: in that format, with the fields that
//! came later at the end.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    AccountMarks, AuthorizationCode, Grant, GrantState, RequestedClaims, SealedCode, Session,
    legacy::superseded_before,
};
use crate::{
    model::{ClientId, ObjectKey, Timestamp},
    protocol::authentication::Authentication,
};

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
            marks: None,
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
    marks: Option<AccountMarks>,
}

impl From<WrittenCode> for AuthorizationCode {
    fn from(written: WrittenCode) -> Self {
        let mut code = Self::from(written.first);
        code.grant.client_object = written.client_object;
        code.grant.marks = written.marks;
        code
    }
}

impl From<AuthorizationCode> for WrittenCode {
    fn from(code: AuthorizationCode) -> Self {
        Self {
            client_object: code.grant.client_object.clone(),
            marks: code.grant.marks,
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
