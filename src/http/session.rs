//! A browser's session: from its cookie to a live session with its user, and back (design §6).
//!
//! Every use re-checks that the user is still served and enabled. Must not: decide what a session
//! is good for; that is `protocol::authorize::decide`.

use std::sync::Arc;

use super::{App, CookiePurpose, Failure, Request, logouts};
use crate::{
    model::{ClientId, User},
    protocol::{
        records::{Authentication, Session, decode, encode},
        session,
    },
    store::{Key, Owner, OwnerKind, Record, RecordKind, Stored},
};

/// How often a write that loses against another is decided again.
const ATTEMPTS: usize = 3;

/// A live session, as stored, and who it is.
#[derive(Clone, Debug)]
pub struct Held {
    stored: Stored,
    /// The session.
    pub session: Session,
    /// Its user: served and enabled.
    pub user: Arc<User>,
}

impl Held {
    /// What the store knows the session by: nobody else does.
    pub fn record_id(&self) -> &str {
        &self.stored.record.key.id
    }
}

/// The live session of the request's cookie.
pub async fn load(app: &App, request: &Request) -> Result<Option<Held>, Failure> {
    let Some(cookie) = request.cookie(CookiePurpose::Session) else { return Ok(None) };
    let key = key(request, cookie);
    let Some(stored) = app.store.get(&key, request.now).await? else { return Ok(None) };
    let Some(held) = revive(request, stored) else { return Ok(None) };
    if !session::wants_touch(&held.session, request.now) {
        return Ok(Some(held));
    }
    let used = Session { used_at: request.now, ..held.session.clone() };
    // Losing against another request is fine: that one has written the use down.
    app.store.swap(held.stored.version, record(request, &key, &used), request.now).await?;
    Ok(app.store.get(&key, request.now).await?.and_then(|stored| revive(request, stored)))
}

/// Starts a session for someone who has just proved who they are, in place of the browser's
/// previous one. Returns it with the value of its cookie, which nothing has seen before.
pub async fn start(
    app: &App,
    request: &Request,
    authentication: Authentication,
    user: Arc<User>,
    previous: Option<&Held>,
) -> Result<(String, Held), Failure> {
    let cookie = app.entropy.token();
    let lifetimes = &request.tenant.tenant.lifetimes;
    let previous_session = previous.map(|held| &held.session);
    let sid = app.entropy.id_at(request.now);
    let mut session = session::begin(authentication, previous_session, sid, lifetimes, request.now);
    let key = key(request, &cookie);
    if !app.store.insert(record(request, &key, &session), request.now).await? {
        return Err(Failure::Unavailable("a new session id is taken".to_owned()));
    }
    match previous {
        // Another person's ends here, and whoever takes part in it is told.
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
    let lost = || Failure::Unavailable("a new session is lost".to_owned());
    let mut stored = app.store.get(&key, request.now).await?.ok_or_else(lost)?;
    // A client that joined after the previous session was read stands in its record alone.
    let whole = record(request, &key, &session);
    if whole != stored.record {
        app.store.swap(stored.version, whole, request.now).await?;
        stored = app.store.get(&key, request.now).await?.ok_or_else(lost)?;
    }
    Ok((cookie, Held { stored, session, user }))
}

/// Notes that a client signs in with the session, before it is told so: a logout concerns it.
/// `false`: the session has ended meanwhile.
pub async fn join(
    app: &App,
    request: &Request,
    held: &Held,
    client: &ClientId,
) -> Result<bool, Failure> {
    let mut current = held.clone();
    for _ in 0..ATTEMPTS {
        if current.session.clients.contains(client) {
            return Ok(true);
        }
        current.session.clients.insert(client.clone());
        let key = &current.stored.record.key;
        let record = record(request, key, &current.session);
        if app.store.swap(current.stored.version, record, request.now).await? {
            return Ok(true);
        }
        let Some(stored) = app.store.get(key, request.now).await? else { return Ok(false) };
        let Some(revived) = revive(request, stored) else { return Ok(false) };
        current = revived;
    }
    Err(Failure::Unavailable("a session changes too often".to_owned()))
}

/// Ends a session: its cookie is worth nothing from now on, nor are the grants that hang on it. The
/// session as it ended: with every client that it concerns.
pub async fn end(app: &App, request: &Request, held: &Held) -> Result<Session, Failure> {
    let taken = app.store.take(&held.stored.record.key, request.now).await?;
    let ended = taken.and_then(|stored| decode::<Session>(&stored.record.value).ok());
    let ended = ended.unwrap_or_else(|| held.session.clone());
    logouts::announce(app, request, &ended).await?;
    Ok(ended)
}

fn revive(request: &Request, stored: Stored) -> Option<Held> {
    let session: Session = decode(&stored.record.value).ok()?;
    let user = request.tenant.user_by_subject(&session.authentication.subject)?;
    let lifetimes = &request.tenant.tenant.lifetimes;
    session::is_live(&session, Some(user), lifetimes, request.now).then(|| Held {
        user: user.clone(),
        stored,
        session,
    })
}

fn key(request: &Request, cookie: &str) -> Key {
    Key::new(RecordKind::Session, &request.tenant.tenant.id, session::record_id(cookie))
}

fn record(request: &Request, key: &Key, session: &Session) -> Record {
    Record {
        key: key.clone(),
        value: encode(session).into(),
        expires_at: session::expires_at(session, &request.tenant.tenant.lifetimes),
        owners: vec![
            Owner::new(OwnerKind::User, session.authentication.subject.as_str()),
            Owner::new(OwnerKind::Session, session.sid.as_str()),
        ],
    }
}
