//! The end of an upstream session, with the sessions and grants that depend on it here.

use std::collections::HashSet;

use super::{grant_ends::end_grants, session_end::end_stored_session};
use crate::{
    accounts::{
        AccountContext, AccountError, records::upstream_session_record::upstream_session_key,
    },
    model::LogoutKind,
    protocol::records::{Grant, Session, UpstreamSession, decode_record},
    store::{IndexEntry, IndexKind, RecordKind},
};

/// Ends the session here and all grants that depend on an upstream session. Their applications are notified.
pub(in crate::accounts) async fn end_upstream_session(
    context: AccountContext<'_>,
    upstream: &UpstreamSession,
    kind: LogoutKind,
) -> Result<(), AccountError> {
    let ended = end_session_here(context, upstream, kind).await?;
    let hangs_on = |grant: &Grant| {
        let origin = grant.origin.as_ref();
        origin.and_then(|origin| origin.upstream_session.as_ref()) == Some(&upstream.id)
    };
    end_grants(context, &upstream.subject, &ended, hangs_on).await?;
    context.take(&upstream_session_key(context, &upstream.id)).await?;
    Ok(())
}

/// Ends the session here that depends on an upstream session. Returns its `sid`, if it had not ended before.
pub(in crate::accounts) async fn end_session_here(
    context: AccountContext<'_>,
    upstream: &UpstreamSession,
    kind: LogoutKind,
) -> Result<HashSet<String>, AccountError> {
    let mut ended = HashSet::new();
    let owner = IndexEntry::new(IndexKind::Session, &upstream.sid);
    let (store, sessions) = (&context.services.store, RecordKind::Session);
    for stored in store.list(sessions, context.tenant_id(), &owner, context.now).await? {
        let Ok(session) = decode_record::<Session>(&stored.record.value) else { continue };
        let origin = session.origin.as_ref();
        let hangs_on = origin.and_then(|origin| origin.upstream_session.as_ref());
        if hangs_on == Some(&upstream.id) {
            end_stored_session(context, &stored.record.key, &session, (kind, None)).await?;
            ended.insert(session.sid);
        }
    }
    Ok(ended)
}
