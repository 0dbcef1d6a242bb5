//! The end of grants that no session ends: they are revoked, and their applications are notified.

use std::collections::{BTreeMap, HashSet};

use crate::{
    accounts::{
        AccountContext, AccountError,
        outbox::backchannel_logout::{queue_logouts, store_notification},
        records::{grant_records::revoke_stored_grant, oldest_records::records_of_person},
    },
    model::ClientId,
    protocol::records::{Grant, GrantState, decode_record},
    store::{RecordKind, VersionedRecord},
};

/// The number of grants of each client that were revoked.
pub(in crate::accounts) type RevokedGrants = BTreeMap<ClientId, u64>;

/// Ends those grants of a subject that a rule selects. `ended`: the `sid` of sessions whose applications
/// were notified just now.
pub(super) async fn end_grants(
    context: AccountContext<'_>,
    subject: &str,
    ended: &HashSet<String>,
    selects: impl Fn(&Grant) -> bool,
) -> Result<(), AccountError> {
    let found = records_of_person(context, RecordKind::Grant, subject).await?;
    let decoded = found.into_iter().filter_map(|stored| {
        let grant: Grant = decode_record(&stored.record.value).ok()?;
        Some((stored, grant))
    });
    let held: Vec<_> = decoded.filter(|(_, grant)| is_unrevoked(grant) && selects(grant)).collect();
    notify_of_grants(context, &held, ended).await?;
    revoke_grants(context, held).await.map(drop)
}

/// Returns true if a grant was not revoked.
pub(in crate::accounts) const fn is_unrevoked(grant: &Grant) -> bool {
    !matches!(grant.state, GrantState::Revoked { .. })
}

/// Revokes grants as loaded from the store.
pub(in crate::accounts) async fn revoke_grants(
    context: AccountContext<'_>,
    held: Vec<(VersionedRecord, Grant)>,
) -> Result<RevokedGrants, AccountError> {
    let mut counts = RevokedGrants::new();
    for (stored, grant) in held {
        let key = stored.record.key.clone();
        if revoke_stored_grant(context, &key, Some(stored)).await?.is_some() {
            *counts.entry(grant.client).or_default() += 1;
        }
    }
    Ok(counts)
}

/// Notifies the applications of grants whose sessions ended earlier. No other code notifies them.
pub(in crate::accounts) async fn notify_of_grants(
    context: AccountContext<'_>,
    held: &[(VersionedRecord, Grant)],
    ended: &HashSet<String>,
) -> Result<(), AccountError> {
    let (mut notified, mut claims) = (HashSet::new(), Vec::new());
    for (_, grant) in held {
        let Some(sid) = grant.sid.as_deref().filter(|sid| !ended.contains(*sid)) else { continue };
        let client = context.tenant.declared_client(grant.client.as_str());
        let Some(client) = client.filter(|client| grant.belongs_to_client(client)) else {
            continue;
        };
        if notified.insert((&grant.client, sid)) {
            let about = (grant.authentication.subject.as_str(), sid);
            claims.extend(store_notification(context, client, about).await?);
        }
    }
    queue_logouts(context, claims);
    Ok(())
}
