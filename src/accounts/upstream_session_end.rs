//! The end of an upstream session, with what hangs on it here.

use super::{
    AccountContext, AccountError, session_end::end_stored_session,
    upstream_session_record::upstream_session_key,
};
use crate::{
    model::LogoutKind,
    protocol::records::{Session, UpstreamSession, decode_record},
    store::{IndexEntry, OwnerKind, RecordKind},
};

/// Ends what hangs on an upstream session: the session here, whose applications are notified, and all
/// grants.
pub(super) async fn end_upstream_session(
    context: AccountContext<'_>,
    upstream: &UpstreamSession,
) -> Result<(), AccountError> {
    end_session_here(context, upstream).await?;
    context.take(&upstream_session_key(context, &upstream.id)).await?;
    Ok(())
}

/// Ends the session here that hangs on an upstream session.
pub(super) async fn end_session_here(
    context: AccountContext<'_>,
    upstream: &UpstreamSession,
) -> Result<(), AccountError> {
    let (kind, owner) = (RecordKind::Session, IndexEntry::new(OwnerKind::Session, &upstream.sid));
    let store = &context.services.store;
    for stored in store.list(kind, context.tenant_id(), &owner, context.now).await? {
        let Ok(session) = decode_record::<Session>(&stored.record.value) else { continue };
        let origin = session.origin.as_ref();
        let hangs_on = origin.and_then(|origin| origin.upstream_session.as_ref());
        if hangs_on == Some(&upstream.id) {
            end_stored_session(context, &stored.record.key, &session, (LogoutKind::Upstream, None))
                .await?;
        }
    }
    Ok(())
}
