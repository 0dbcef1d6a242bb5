//! Browser sessions: from the cookie to an active session with its user, and back
//! (docs/design/state.md#session).
//!
//! Every use checks again that the user is still served and enabled. Must not: decide whether a
//! session suffices for a request; that is `protocol::authorize::decide`.

use std::sync::Arc;

use super::{AccountContext, AccountError, backchannel_logout, context::RecordChange};
use crate::{
    model::{Account, ClientId},
    protocol::{
        authentication::Authentication,
        records::{Session, decode, encode},
        session,
    },
    store::{IndexEntry, OwnerKind, Record, RecordKey, RecordKind, VersionedRecord},
};

/// An active session as stored, with its user.
#[derive(Clone, Debug)]
pub struct ActiveSession {
    stored: VersionedRecord,
    /// The session.
    pub session: Session,
    /// The account, which is served and enabled.
    pub account: Arc<Account>,
}

impl ActiveSession {
    /// The record id of the session, known only to the store and the cookie's browser.
    pub fn record_id(&self) -> &str {
        &self.stored.record.key.id
    }
}

/// Loads the active session of a browser, by the value of its session cookie.
pub async fn load(
    context: AccountContext<'_>,
    cookie: Option<&str>,
) -> Result<Option<ActiveSession>, AccountError> {
    let Some(cookie) = cookie else { return Ok(None) };
    let key = key(context, cookie);
    let Some(stored) = context.get(&key).await? else { return Ok(None) };
    let Some(active) = activate(context, stored).await else { return Ok(None) };
    if !session::wants_touch(&active.session, context.now) {
        return Ok(Some(active));
    }
    let used = Session { used_at: context.now, ..active.session.clone() };
    // A conflict is fine: the concurrent request recorded the use.
    context.compare_and_swap(active.stored.version, record(context, &key, &used)).await?;
    match context.get(&key).await? {
        Some(stored) => Ok(activate(context, stored).await),
        None => Ok(None),
    }
}

/// Starts a session for a user who has just authenticated, replacing the browser's previous
/// session. Returns it with the new random value of its cookie.
pub async fn start(
    context: AccountContext<'_>,
    authentication: Authentication,
    account: Arc<Account>,
    previous: Option<&ActiveSession>,
) -> Result<(String, ActiveSession), AccountError> {
    let cookie = context.services.entropy.token();
    let lifetimes = &context.tenant.tenant.lifetimes;
    let previous_session = previous.map(|active| &active.session);
    let sid = context.services.entropy.id_at(context.now);
    let mut session = session::begin(authentication, previous_session, sid, lifetimes, context.now);
    let key = key(context, &cookie);
    if !context.insert(record(context, &key, &session)).await? {
        return Err(AccountError::DuplicateId(RecordKind::Session));
    }
    match previous {
        // Another user's session ends, and its clients are notified.
        Some(previous) if previous.session.sid != session.sid => {
            end(context, previous).await?;
        }
        Some(previous) => {
            let taken = context.take(&previous.stored.record.key).await?;
            let taken = taken.and_then(|it| decode::<Session>(&it.record.value).ok());
            session.clients.extend(taken.map(|it| it.clients).unwrap_or_default());
        }
        None => {}
    }
    let lost = || AccountError::Lost(RecordKind::Session);
    let mut stored = context.get(&key).await?.ok_or_else(lost)?;
    // A client added after the previous session was read is only in the stored record.
    let whole = record(context, &key, &session);
    if whole != stored.record {
        context.compare_and_swap(stored.version, whole).await?;
        stored = context.get(&key).await?.ok_or_else(lost)?;
    }
    Ok((cookie, ActiveSession { stored, session, account }))
}

/// Adds a client to the session before the client gets a response, so a logout notifies it. Returns
/// `false` if the session has ended.
pub async fn add_client(
    context: AccountContext<'_>,
    active: &ActiveSession,
    client: &ClientId,
) -> Result<bool, AccountError> {
    if active.session.clients.contains(client) {
        return Ok(true);
    }
    let key = &active.stored.record.key;
    let with_client = |stored: Option<&VersionedRecord>| {
        let session = stored.and_then(|it| decode::<Session>(&it.record.value).ok());
        let live = |session: &Session| {
            let lifetimes = &context.tenant.tenant.lifetimes;
            session::is_live(session, Some(&active.account), lifetimes, context.now)
        };
        let Some(mut session) = session.filter(live) else { return Ok(RecordChange::Keep(false)) };
        Ok(if session.clients.insert(client.clone()) {
            RecordChange::Write(record(context, key, &session), true)
        } else {
            RecordChange::Keep(true)
        })
    };
    context.update(key, Some(active.stored.clone()), with_client).await
}

/// Ends a session: its cookie and its grants become invalid. Returns the session as it ended, with
/// all its clients. The notifications of its clients are stored first, so an error leaves no client
/// of an ended session without one (ADR 0007).
pub async fn end(
    context: AccountContext<'_>,
    active: &ActiveSession,
) -> Result<Session, AccountError> {
    let loaded = &active.session;
    let clients = loaded.clients.iter();
    let claims = backchannel_logout::store_notifications(context, loaded, clients).await?;
    let taken = context.take(&active.stored.record.key).await?;
    backchannel_logout::queue(context, claims);
    let ended = taken.and_then(|stored| decode::<Session>(&stored.record.value).ok());
    let Some(ended) = ended else { return Ok(loaded.clone()) };
    // A client may have been added since the session was loaded.
    let added = ended.clients.difference(&loaded.clients);
    let claims = backchannel_logout::store_notifications(context, &ended, added).await?;
    backchannel_logout::queue(context, claims);
    Ok(ended)
}

async fn activate(context: AccountContext<'_>, stored: VersionedRecord) -> Option<ActiveSession> {
    let session: Session = decode(&stored.record.value).ok()?;
    let account = context.account(&session.authentication.subject).await?;
    let lifetimes = &context.tenant.tenant.lifetimes;
    let live = session::is_live(&session, Some(&account), lifetimes, context.now);
    live.then_some(ActiveSession { stored, session, account })
}

fn key(context: AccountContext<'_>, cookie: &str) -> RecordKey {
    context.key(RecordKind::Session, session::record_id(cookie))
}

fn record(context: AccountContext<'_>, key: &RecordKey, session: &Session) -> Record {
    Record {
        key: key.clone(),
        value: encode(session).into(),
        expires_at: session::expires_at(session, &context.tenant.tenant.lifetimes),
        owners: vec![
            IndexEntry::new(OwnerKind::User, session.authentication.subject.as_str()),
            IndexEntry::new(OwnerKind::Session, session.sid.as_str()),
        ],
        due_at: None,
    }
}
