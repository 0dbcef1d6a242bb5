//! Browser sessions: from the cookie to an active session with its user, and back
//! (docs/design/state.md#session).
//!
//! Every use checks again that the user is still served and enabled. Must not: decide whether a
//! session suffices for a request; that is `protocol::authorize::decide_next_step`.

use std::sync::Arc;

use crate::{
    accounts::{
        AccountContext, AccountError,
        people::{person_records::AccountReference, signed_in_account::find_account},
        records::{
            session_record::{new_session_record, session_key, session_record},
            upstream_sessions::{self, SignInSource},
        },
        revocation::{endings, session_end::end_stored_session},
    },
    model::{Account, Client, CredentialMark, LogoutKind},
    protocol::{
        authentication::Authentication,
        records::{AccountMarks, Session, SessionBrowser, decode_record},
        session, session_start,
    },
    store::{RecordKey, RecordKind, VersionedRecord},
};

/// An active session as stored, with its user.
#[derive(Clone, Debug)]
pub struct ActiveSession {
    pub(in crate::accounts) stored: VersionedRecord,
    /// The decoded content of the record.
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

/// A user who has just proved the identity.
#[derive(Debug)]
pub struct SignedInUser {
    /// The account that the user has signed in to.
    pub account: Arc<Account>,
    /// The user's authentication: its time and methods, as far as this tenant accepts them.
    pub authentication: Authentication,
    /// Where the user signed in.
    pub source: SignInSource,
    /// The mark of the password that was proved, if the user chose it. A session that a password began ends with
    /// that password, also if it is changed while the user signs in.
    pub chosen_password: Option<CredentialMark>,
}

impl SignedInUser {
    /// A user who has proved the identity by something else than a password that the person chose.
    pub fn new(
        account: Arc<Account>,
        authentication: Authentication,
        source: SignInSource,
    ) -> Self {
        Self { account, authentication, source, chosen_password: None }
    }

    /// The marks of a record that this sign-in makes.
    pub(in crate::accounts) fn marks(&self, context: AccountContext<'_>) -> AccountMarks {
        let now = endings::current_marks(context, &self.account);
        AccountMarks { credential: self.chosen_password.or(now.credential), ..now }
    }
}

/// Loads the active session of a browser, by the value of its session cookie.
pub async fn load_session(
    context: AccountContext<'_>,
    cookie: Option<&str>,
) -> Result<Option<ActiveSession>, AccountError> {
    let Some(cookie) = cookie else { return Ok(None) };
    let key = session_key(context, cookie);
    let Some(stored) = context.get(&key).await? else { return Ok(None) };
    let Some(active) = activate(context, stored).await? else { return Ok(None) };
    context.facts.record_user(active.account.subject.as_str());
    if !session::should_store_use(&active.session, context.now) {
        return Ok(Some(active));
    }
    let marks = endings::adopted_marks(context, active.session.marks, &active.account);
    let used = Session { used_at: context.now, marks: Some(marks), ..active.session.clone() };
    // A conflict is fine: the concurrent request recorded the use.
    context.compare_and_swap(active.stored.version, session_record(context, &key, &used)).await?;
    match context.get(&key).await? {
        Some(stored) => activate(context, stored).await,
        None => Ok(None),
    }
}

/// Starts a session for a user who has just authenticated, replacing the browser's previous
/// session. After a step-up it keeps the beginning and the marks of the session before. Returns it with the new
/// random value of its cookie.
pub async fn start_session(
    context: AccountContext<'_>,
    user: SignedInUser,
    previous: Option<&ActiveSession>,
) -> Result<(String, ActiveSession), AccountError> {
    let marks = user.marks(context);
    let SignedInUser { account, authentication, source, .. } = user;
    context.facts.record_user(account.subject.as_str());
    let cookie = context.services.entropy.token();
    let lifetimes = &context.tenant.tenant.lifetimes;
    let previous_session = previous.map(|active| &active.session);
    let sid = context.services.entropy.id_at(context.now);
    let is_continued = matches!(source, SignInSource::Continued);
    let continued = previous_session.filter(|_| is_continued);
    let marks = match continued {
        Some(continued) => endings::adopted_marks(context, continued.marks, &account),
        None => marks,
    };
    let signed_in = (authentication, marks);
    let mut session =
        session_start::begin_session(signed_in, previous_session, sid, lifetimes, context.now);
    if let Some(continued) = continued {
        session = session_start::continue_session(session, continued);
    }
    session.origin =
        upstream_sessions::begin_upstream_session(context, source, &session, previous_session)
            .await?;
    let (user_agent, address) = (context.origin.user_agent, context.origin.address);
    session.browser = Some(SessionBrowser::new(user_agent, address.to_string()));
    let record = new_session_record(context, &cookie, &session);
    let key = record.key.clone();
    if !context.insert(record).await? {
        return Err(AccountError::DuplicateId(RecordKind::Session));
    }
    let stored = match previous {
        Some(previous) if previous.session.sid == session.sid => {
            replace_session(context, previous, (&key, &mut session)).await?
        }
        Some(previous) => {
            // Another user's session ends, and its clients are notified.
            end_session(context, previous, (LogoutKind::Replaced, None)).await?;
            stored_session(context, &key).await?
        }
        None => stored_session(context, &key).await?,
    };
    Ok((cookie, ActiveSession { stored, session, account }))
}

/// Replaces the previous session of a browser by a stored one with the same public ID. A client that was added after
/// the previous session was read is only in its record.
async fn replace_session(
    context: AccountContext<'_>,
    previous: &ActiveSession,
    (key, session): (&RecordKey, &mut Session),
) -> Result<VersionedRecord, AccountError> {
    let taken = context.take(&previous.stored.record.key).await?;
    let taken = taken.and_then(|it| decode_record::<Session>(&it.record.value).ok());
    if let Some(taken) = taken {
        session.clients.extend(taken.clients);
        session.client_objects.extend(taken.client_objects);
    }
    let stored = stored_session(context, key).await?;
    let whole = session_record(context, key, session);
    if whole == stored.record {
        return Ok(stored);
    }
    context.compare_and_swap(stored.version, whole).await?;
    stored_session(context, key).await
}

/// The record of a session that has just begun.
async fn stored_session(
    context: AccountContext<'_>,
    key: &RecordKey,
) -> Result<VersionedRecord, AccountError> {
    context.get(key).await?.ok_or(AccountError::Lost(RecordKind::Session))
}

/// Ends a session: its cookie and its grants become invalid. Returns the session as it ended, with
/// all its clients. The notifications of its clients are stored first, so after an error no client
/// of an ended session lacks its notification (ADR 0007).
pub async fn end_session(
    context: AccountContext<'_>,
    active: &ActiveSession,
    cause: (LogoutKind, Option<&Client>),
) -> Result<Session, AccountError> {
    end_stored_session(context, &active.stored.record.key, &active.session, cause).await
}

async fn activate(
    context: AccountContext<'_>,
    stored: VersionedRecord,
) -> Result<Option<ActiveSession>, AccountError> {
    let Ok(session) = decode_record::<Session>(&stored.record.value) else { return Ok(None) };
    let person = AccountReference {
        subject: &session.authentication.subject,
        origin: session.origin.as_ref(),
        is_offline: false,
    };
    let account = match find_account(context, person).await {
        // The person can sign in again, also in another way.
        Err(AccountError::ProviderUnavailable(_) | AccountError::NotAdmitted(_)) => None,
        found => found?,
    };
    let Some(account) = account else { return Ok(None) };
    let lifetimes = &context.tenant.tenant.lifetimes;
    if !session::session_is_live(&session, &account, lifetimes, context.now)
        || !endings::is_user_record_usable(context, session::session_marks(&session), &account)
            .await?
    {
        return Ok(None);
    }
    Ok(Some(ActiveSession { stored, session, account }))
}
