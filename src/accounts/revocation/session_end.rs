//! The end of a browser session: notifications first, then the record (ADR 0007).

use crate::{
    accounts::{
        AccountContext, AccountError, outbox::backchannel_logout, records::upstream_sessions,
    },
    model::{AuditEvent, AuditText, Client, LogoutKind},
    protocol::records::{Session, decode_record},
    store::RecordKey,
};

/// Ends a session as loaded from the store. Returns it as it ended, with all its clients.
pub(in crate::accounts) async fn end_stored_session(
    context: AccountContext<'_>,
    key: &RecordKey,
    loaded: &Session,
    (kind, client): (LogoutKind, Option<&Client>),
) -> Result<Session, AccountError> {
    let clients = loaded.clients.iter();
    let claims = backchannel_logout::store_notifications(context, loaded, clients).await?;
    let taken = context.take(key).await?;
    backchannel_logout::queue_logouts(context, claims);
    let ended = taken.and_then(|stored| decode_record::<Session>(&stored.record.value).ok());
    let Some(ended) = ended else { return Ok(loaded.clone()) };
    context.audit(AuditEvent::Logout {
        kind,
        subject: AuditText::new(ended.authentication.subject.as_str()),
        sid: Some(AuditText::new(ended.sid.as_str())),
        client_id: client.map(|client| AuditText::new(client.id.as_str())),
    });
    upstream_sessions::release_upstream_session(context, &ended).await?;
    // A client may have been added since the session was loaded.
    let added = ended.clients.difference(&loaded.clients);
    let claims = backchannel_logout::store_notifications(context, &ended, added).await?;
    backchannel_logout::queue_logouts(context, claims);
    Ok(ended)
}
