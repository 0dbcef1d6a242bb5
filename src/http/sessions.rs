//! Browser sessions: from the cookie to an active session with its user, and back
//! (docs/design/state.md#session).
//!
//! Every use checks again that the user is still served and enabled. Must not: decide whether a
//! session suffices for a request; that is `protocol::authorize::decide`.

use std::sync::Arc;

use super::{AppState, CookiePurpose, EndpointError, Request, backchannel_logout};
use crate::{
    model::{ClientId, User},
    protocol::{
        records::{Authentication, Session, decode, encode},
        session,
    },
    store::{IndexEntry, OwnerKind, Record, RecordKey, RecordKind, VersionedRecord},
};

/// Maximum attempts of a write that conflicts with others.
const MAX_ATTEMPTS: usize = 3;

/// An active session as stored, with its user.
#[derive(Clone, Debug)]
pub struct ActiveSession {
    stored: VersionedRecord,
    /// The session.
    pub session: Session,
    /// The user, who is served and enabled.
    pub user: Arc<User>,
}

impl ActiveSession {
    /// The record id of the session, known only to the store and the cookie's browser.
    pub fn record_id(&self) -> &str {
        &self.stored.record.key.id
    }
}

/// Loads the active session of the request's cookie.
pub async fn load(
    app: &AppState,
    request: &Request,
) -> Result<Option<ActiveSession>, EndpointError> {
    let Some(cookie) = request.cookie(CookiePurpose::Session) else { return Ok(None) };
    let key = key(request, cookie);
    let Some(stored) = app.store.get(&key, request.now).await? else { return Ok(None) };
    let Some(held) = activate(request, stored) else { return Ok(None) };
    if !session::wants_touch(&held.session, request.now) {
        return Ok(Some(held));
    }
    let used = Session { used_at: request.now, ..held.session.clone() };
    // A conflict is fine: the concurrent request recorded the use.
    app.store
        .compare_and_swap(held.stored.version, record(request, &key, &used), request.now)
        .await?;
    Ok(app.store.get(&key, request.now).await?.and_then(|stored| activate(request, stored)))
}

/// Starts a session for a user who has just authenticated, replacing the browser's previous
/// session. Returns it with the new random value of its cookie.
pub async fn start(
    app: &AppState,
    request: &Request,
    authentication: Authentication,
    user: Arc<User>,
    previous: Option<&ActiveSession>,
) -> Result<(String, ActiveSession), EndpointError> {
    let cookie = app.entropy.token();
    let lifetimes = &request.tenant.tenant.lifetimes;
    let previous_session = previous.map(|held| &held.session);
    let sid = app.entropy.id_at(request.now);
    let mut session = session::begin(authentication, previous_session, sid, lifetimes, request.now);
    let key = key(request, &cookie);
    if !app.store.insert(record(request, &key, &session), request.now).await? {
        return Err(EndpointError::Unavailable("a new session id already exists".to_owned()));
    }
    match previous {
        // Another user's session ends, and its clients are notified.
        Some(previous) if previous.session.sid != session.sid => {
            end(app, request, previous).await?;
        }
        Some(previous) => {
            let taken = app.store.take(&previous.stored.record.key, request.now).await?;
            let taken = taken.and_then(|it| decode::<Session>(&it.record.value).ok());
            session.clients.extend(taken.map(|it| it.clients).unwrap_or_default());
        }
        None => {}
    }
    let lost = || EndpointError::Unavailable("a new session was not found in the store".to_owned());
    let mut stored = app.store.get(&key, request.now).await?.ok_or_else(lost)?;
    // A client added after the previous session was read is only in the stored record.
    let whole = record(request, &key, &session);
    if whole != stored.record {
        app.store.compare_and_swap(stored.version, whole, request.now).await?;
        stored = app.store.get(&key, request.now).await?.ok_or_else(lost)?;
    }
    Ok((cookie, ActiveSession { stored, session, user }))
}

/// Adds a client to the session before the client gets a response, so a logout notifies it. Returns
/// `false` if the session has ended.
pub async fn add_client(
    app: &AppState,
    request: &Request,
    held: &ActiveSession,
    client: &ClientId,
) -> Result<bool, EndpointError> {
    let mut current = held.clone();
    for _ in 0..MAX_ATTEMPTS {
        if current.session.clients.contains(client) {
            return Ok(true);
        }
        current.session.clients.insert(client.clone());
        let key = &current.stored.record.key;
        let record = record(request, key, &current.session);
        if app.store.compare_and_swap(current.stored.version, record, request.now).await? {
            return Ok(true);
        }
        let Some(stored) = app.store.get(key, request.now).await? else { return Ok(false) };
        let Some(revived) = activate(request, stored) else { return Ok(false) };
        current = revived;
    }
    Err(EndpointError::Unavailable(
        "concurrent writes of a session conflicted repeatedly".to_owned(),
    ))
}

/// Ends a session: its cookie and its grants become invalid. Returns the session as it ended, with
/// all its clients.
pub async fn end(
    app: &AppState,
    request: &Request,
    held: &ActiveSession,
) -> Result<Session, EndpointError> {
    let taken = app.store.take(&held.stored.record.key, request.now).await?;
    let ended = taken.and_then(|stored| decode::<Session>(&stored.record.value).ok());
    let ended = ended.unwrap_or_else(|| held.session.clone());
    backchannel_logout::enqueue(app, request, &ended).await?;
    Ok(ended)
}

fn activate(request: &Request, stored: VersionedRecord) -> Option<ActiveSession> {
    let session: Session = decode(&stored.record.value).ok()?;
    let user = request.tenant.user_by_subject(&session.authentication.subject)?;
    let lifetimes = &request.tenant.tenant.lifetimes;
    session::is_live(&session, Some(user), lifetimes, request.now).then(|| ActiveSession {
        user: user.clone(),
        stored,
        session,
    })
}

fn key(request: &Request, cookie: &str) -> RecordKey {
    RecordKey::new(RecordKind::Session, &request.tenant.tenant.id, session::record_id(cookie))
}

fn record(request: &Request, key: &RecordKey, session: &Session) -> Record {
    Record {
        key: key.clone(),
        value: encode(session).into(),
        expires_at: session::expires_at(session, &request.tenant.tenant.lifetimes),
        owners: vec![
            IndexEntry::new(OwnerKind::User, session.authentication.subject.as_str()),
            IndexEntry::new(OwnerKind::Session, session.sid.as_str()),
        ],
    }
}
