//! The record of an upstream session in the store: sealed, found by its id, and listed by person and by
//! the names that a logout token has.

use crate::{
    accounts::{AccountContext, AccountError, context::RecordChange},
    model::{Timestamp, sha256_base64url},
    protocol::records::UpstreamSession,
    store::{IndexEntry, IndexKind, Record, RecordKey, RecordKind, VersionedRecord},
};

/// An upstream session as stored.
#[derive(Debug)]
pub(in crate::accounts) struct StoredUpstreamSession {
    pub(in crate::accounts) session: UpstreamSession,
    pub(in crate::accounts) version: u64,
    pub(in crate::accounts) expires_at: Timestamp,
}

/// The part of an upstream session that a logout token names (OIDC Back-Channel Logout §2.4).
#[derive(Clone, Copy, Debug)]
pub(in crate::accounts) enum UpstreamName<'a> {
    Subject(&'a str),
    Sid(&'a str),
}

/// The hash of a name at a provider.
pub(in crate::accounts) fn name_hash(
    (provider, issuer): (&str, &str),
    name: UpstreamName<'_>,
) -> String {
    let (kind, name) = match name {
        UpstreamName::Subject(subject) => ("sub", subject),
        UpstreamName::Sid(sid) => ("sid", sid),
    };
    sha256_base64url([provider, issuer, kind, name].join("\0"))
}

fn index_entry(of: (&str, &str), name: UpstreamName<'_>) -> IndexEntry {
    IndexEntry::new(IndexKind::Upstream, name_hash(of, name))
}

/// The upstream sessions of a provider with a name.
pub(in crate::accounts) async fn list_upstream_sessions(
    context: AccountContext<'_>,
    of: (&str, &str),
    name: UpstreamName<'_>,
) -> Result<Vec<UpstreamSession>, AccountError> {
    let (kind, owner) = (RecordKind::UpstreamSession, index_entry(of, name));
    let store = &context.services.store;
    let mut sessions = Vec::new();
    for stored in store.list(kind, context.tenant_id(), &owner, context.now).await? {
        let opened = open_upstream_session(context, &stored.record.key.id, &stored)?;
        sessions.extend(opened.map(|opened| opened.session));
    }
    Ok(sessions)
}

/// Reads an upstream session.
pub(in crate::accounts) async fn load_upstream_session(
    context: AccountContext<'_>,
    id: &str,
) -> Result<Option<StoredUpstreamSession>, AccountError> {
    let stored = context.get(&upstream_session_key(context, id)).await?;
    stored.as_ref().map_or(Ok(None), |stored| open_upstream_session(context, id, stored))
}

/// Changes a stored upstream session, if `change` returns true. Returns its last result, or `false`
/// for a session that has expired or never was.
pub(super) async fn change_upstream_session(
    context: AccountContext<'_>,
    id: &str,
    mut change: impl FnMut(&mut StoredUpstreamSession) -> bool,
) -> Result<bool, AccountError> {
    let key = upstream_session_key(context, id);
    let stored = context.get(&key).await?;
    let changed = |stored: Option<&VersionedRecord>| {
        let opened =
            stored.map_or(Ok(None), |stored| open_upstream_session(context, id, stored))?;
        let Some(mut opened) = opened else { return Ok(RecordChange::Keep(false)) };
        if !change(&mut opened) {
            return Ok(RecordChange::Keep(false));
        }
        let record = upstream_session_record(context, &opened.session, opened.expires_at)?;
        Ok(RecordChange::Write(record, true))
    };
    context.update(&key, stored, changed).await
}

pub(in crate::accounts) fn upstream_session_key(
    context: AccountContext<'_>,
    id: &str,
) -> RecordKey {
    context.key(RecordKind::UpstreamSession, id)
}

pub(super) fn upstream_session_record(
    context: AccountContext<'_>,
    session: &UpstreamSession,
    expires_at: Timestamp,
) -> Result<Record, AccountError> {
    let UpstreamSession { provider, issuer, upstream_subject, upstream_sid, .. } = session;
    let named = |name| index_entry((provider, issuer), name);
    let mut owners = vec![
        IndexEntry::new(IndexKind::User, &session.subject),
        named(UpstreamName::Subject(upstream_subject)),
    ];
    owners.extend(upstream_sid.as_deref().map(|sid| named(UpstreamName::Sid(sid))));
    Ok(Record {
        key: upstream_session_key(context, &session.id),
        value: context.seal(session)?.into_bytes().into(),
        expires_at,
        owners,
        due_at: None,
    })
}

/// Opens a record; `None` if it has another id, or if its sealing key no longer exists.
pub(in crate::accounts) fn open_upstream_session(
    context: AccountContext<'_>,
    id: &str,
    stored: &VersionedRecord,
) -> Result<Option<StoredUpstreamSession>, AccountError> {
    let Ok(sealed) = std::str::from_utf8(&stored.record.value) else { return Ok(None) };
    let session: Option<UpstreamSession> = context.open(sealed)?;
    let session = session.filter(|session| session.id == id);
    let (version, expires_at) = (stored.version, stored.record.expires_at);
    Ok(session.map(|session| StoredUpstreamSession { session, version, expires_at }))
}
