//! The record of a browser session in the store.

use crate::{
    accounts::AccountContext,
    protocol::{
        records::{Session, encode_record},
        session,
    },
    store::{IndexEntry, IndexKind, Record, RecordKey, RecordKind},
};

/// The key of a session in the store, by the value of its cookie.
pub(in crate::accounts) fn session_key(context: AccountContext<'_>, cookie: &str) -> RecordKey {
    context.key(RecordKind::Session, session::session_record_id(cookie))
}

/// The record of a new session, by the value of its cookie.
pub(in crate::accounts) fn new_session_record(
    context: AccountContext<'_>,
    cookie: &str,
    session: &Session,
) -> Record {
    session_record(context, &session_key(context, cookie), session)
}

/// The record of a session, with its expiry and index entries.
pub(in crate::accounts) fn session_record(
    context: AccountContext<'_>,
    key: &RecordKey,
    session: &Session,
) -> Record {
    Record {
        key: key.clone(),
        value: encode_record(session).into(),
        expires_at: session::expires_at(session, &context.tenant.tenant.lifetimes),
        owners: vec![
            IndexEntry::new(IndexKind::User, session.authentication.subject.as_str()),
            IndexEntry::new(IndexKind::Session, session.sid.as_str()),
        ],
        due_at: None,
    }
}
