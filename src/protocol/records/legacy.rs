//! Records of the formats 0.1 and 1.0, which differ in the sign-in only, and of later formats. Codes are still
//! written in the format 1.0, with later fields at the end.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    AccountMarks, AuthorizationCode, Consent, DecodeError, FormatVersion, Grant, GrantState,
    GrantedResource, RequestedClaims, SealedCode, SenderBinding, Session, SignInOrigin,
    SupersededTimes,
};
use crate::{
    model::{ClientId, ObjectKey, Subject, Timestamp},
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

/// Parses the fields of a record whose last fields, which are options, were appended after it was
/// written.
pub(super) fn parse_without_last_fields<T: DeserializeOwned>(
    fields: &[u8],
    missing: usize,
) -> Result<T, DecodeError> {
    const NONE: u8 = 0;
    parse_legacy_fields(&[fields, &vec![NONE; missing]].concat())
}

/// A sign-in of the format 0.1: a time and a list of methods.
#[derive(Deserialize)]
pub(super) struct SignInV0 {
    subject: Subject,
    auth_time: Timestamp,
    amr: Vec<String>,
    acr: Option<String>,
}

/// A sign-in of the format 1.0: a list of events.
#[derive(Deserialize, Serialize)]
pub(super) struct SignInV1 {
    authentication: Authentication,
    acr: Option<String>,
}

impl From<SignInV0> for SignInV1 {
    fn from(old: SignInV0) -> Self {
        let at = old.auth_time;
        let event =
            |amr: &String| AuthenticationEvent { method: AuthenticationMethod::new(amr), at };
        let events = old.amr.iter().map(event).collect();
        Self { authentication: Authentication { subject: old.subject, events }, acr: old.acr }
    }
}

impl From<SignInV0> for Authentication {
    fn from(old: SignInV0) -> Self {
        SignInV1::from(old).authentication
    }
}

/// A session without the objects of its clients. The sign-in of the format 1.0 has no `acr` here.
#[derive(Deserialize)]
pub(super) struct LegacySession<A> {
    sid: String,
    authentication: A,
    created_at: Timestamp,
    ends_at: Timestamp,
    used_at: Timestamp,
    clients: BTreeSet<ClientId>,
}

impl<A: Into<Authentication>> From<LegacySession<A>> for Session {
    fn from(old: LegacySession<A>) -> Self {
        Self {
            sid: old.sid,
            authentication: old.authentication.into(),
            created_at: old.created_at,
            ends_at: old.ends_at,
            used_at: old.used_at,
            clients: old.clients,
            client_objects: BTreeMap::new(),
            marks: None,
            origin: None,
            browser: None,
        }
    }
}

/// A grant without the times of superseded tokens. Codes contain it with the sign-in of the format
/// 1.0: their fields cannot change.
#[derive(Deserialize, Serialize)]
pub(super) struct LegacyGrant<S> {
    client: ClientId,
    sign_in: S,
    sid: Option<String>,
    scopes: BTreeSet<String>,
    nonce: Option<String>,
    wants_auth_time: bool,
    created_at: Timestamp,
    ends_at: Timestamp,
    state: GrantState,
    claims: RequestedClaims,
}

impl<S: Into<SignInV1>> From<LegacyGrant<S>> for Grant {
    fn from(old: LegacyGrant<S>) -> Self {
        let SignInV1 { authentication, acr } = old.sign_in.into();
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
            origin: None,
            binding: None,
            resources: BTreeMap::new(),
            authorization_details: BTreeMap::new(),
        }
    }
}

impl From<Grant> for LegacyGrant<SignInV1> {
    fn from(grant: Grant) -> Self {
        Self {
            client: grant.client,
            sign_in: SignInV1 { authentication: grant.authentication, acr: grant.acr },
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

/// The times to assume for a record without them. The release that wrote it accepted the second
/// previous token after the rotation to the current one, too.
fn superseded_before(state: &GrantState) -> SupersededTimes {
    let GrantState::Active { generation, rotated_at } = *state else {
        return SupersededTimes::default();
    };
    let at = |least: u32| (generation >= least).then_some(rotated_at);
    SupersededTimes { previous: at(2), second_previous: at(3) }
}

/// A code with such a grant.
#[derive(Deserialize, Serialize)]
pub(super) struct LegacyCode<S> {
    grant_id: String,
    incarnation: String,
    grant: LegacyGrant<S>,
    redirect_uri: Option<String>,
    code_challenge: Option<String>,
    expires_at: Timestamp,
    grant_stored: bool,
}

impl<S: Into<SignInV1>> From<LegacyCode<S>> for AuthorizationCode {
    fn from(old: LegacyCode<S>) -> Self {
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

/// A code as it is written: fields that a grant has besides those of 1.0 come last.
#[derive(Deserialize, Serialize)]
pub(super) struct EncodedCode {
    first: LegacyCode<SignInV1>,
    client_object: Option<ObjectKey>,
    marks: Option<AccountMarks>,
    origin: Option<SignInOrigin>,
    binding: Option<SenderBinding>,
    resources: BTreeMap<String, GrantedResource>,
    authorization_details: BTreeMap<String, Vec<String>>,
}

impl From<EncodedCode> for AuthorizationCode {
    fn from(written: EncodedCode) -> Self {
        let mut code = Self::from(written.first);
        code.grant.client_object = written.client_object;
        code.grant.marks = written.marks;
        code.grant.origin = written.origin;
        code.grant.binding = written.binding;
        code.grant.resources = written.resources;
        code.grant.authorization_details = written.authorization_details;
        code
    }
}

impl From<AuthorizationCode> for EncodedCode {
    fn from(code: AuthorizationCode) -> Self {
        Self {
            client_object: code.grant.client_object.clone(),
            marks: code.grant.marks,
            origin: code.grant.origin.clone(),
            binding: code.grant.binding.clone(),
            resources: code.grant.resources.clone(),
            authorization_details: code.grant.authorization_details.clone(),
            first: LegacyCode {
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
pub(super) enum LegacySealedCode<S> {
    Whole(Box<LegacyCode<S>>),
    Stored(String),
}

impl<S: Into<SignInV1>> From<LegacySealedCode<S>> for SealedCode {
    fn from(old: LegacySealedCode<S>) -> Self {
        match old {
            LegacySealedCode::Whole(code) => Self::Whole(Box::new((*code).into())),
            LegacySealedCode::Stored(id) => Self::Stored(id),
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
