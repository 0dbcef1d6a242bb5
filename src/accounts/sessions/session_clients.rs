//! The clients of a browser session, which are notified when it ends
//! (docs/design/state.md#session).

use super::active_session::ActiveSession;
use crate::{
    accounts::{
        AccountContext, AccountError, context::RecordChange,
        records::session_record::session_record,
    },
    model::Client,
    protocol::{
        records::{Session, decode_record},
        session,
    },
    store::VersionedRecord,
};

/// Adds a client to the session before the client gets a response, so a logout notifies it. Returns
/// `false` if the session has ended.
pub async fn add_session_client(
    context: AccountContext<'_>,
    active: &ActiveSession,
    client: &Client,
) -> Result<bool, AccountError> {
    if session::session_names(&active.session, client) {
        return Ok(true);
    }
    let key = &active.stored.record.key;
    let with_client = |stored: Option<&VersionedRecord>| {
        let session = stored.and_then(|it| decode_record::<Session>(&it.record.value).ok());
        let live = |session: &Session| {
            let lifetimes = &context.tenant.tenant.lifetimes;
            session::session_is_live(session, &active.account, lifetimes, context.now)
        };
        let Some(mut session) = session.filter(live) else { return Ok(RecordChange::Keep(false)) };
        Ok(if session::add_client(&mut session, client) {
            RecordChange::Write(session_record(context, key, &session), true)
        } else {
            RecordChange::Keep(true)
        })
    };
    context.update(key, Some(active.stored.clone()), with_client).await
}
