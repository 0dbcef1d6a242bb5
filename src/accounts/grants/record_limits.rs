//! Limits of the records that one person holds, so that no person fills the store. The oldest go first
//! (docs/design/state.md#limits-of-a-person).

use std::{collections::HashMap, time::Duration};

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::grant_validity;
use crate::{
    accounts::{
        AccountContext, AccountError,
        records::{
            oldest_records::{oldest_beyond, records_of_person},
            upstream_session_record::open_upstream_session,
        },
        revocation::{session_end::end_stored_session, upstream_session_end::end_upstream_session},
        sessions::active_session::ActiveSession,
    },
    model::{ClientId, LogoutKind, Subject, Timestamp},
    protocol::records::{Grant, GrantState, Session, UpstreamSession, decode_record},
    store::RecordKind,
};

/// Maximum number of sessions of a person.
const MAX_SESSIONS: usize = 50;
/// Maximum number of upstream sessions of a person. One lasts longer than the session here, if a grant does.
const MAX_UPSTREAM_SESSIONS: usize = 100;
/// Maximum number of grants of a person.
const MAX_GRANTS: usize = 500;
/// Maximum number of grants of a person to one client. An application that gets new tokens without a refresh token
/// makes many grants, and must not end those of other applications.
const MAX_GRANTS_TO_CLIENT: usize = 50;
/// Maximum number of pages that wait for a person, and of codes of a person that are too long for a URL.
/// They expire within minutes, but a form can be sent any number of times.
const MAX_PENDING: usize = 100;
/// Age from which a grant is deleted: its code, which may be that of a device, has expired. A younger grant is revoked
/// instead, so that its code cannot be redeemed again.
const DELETABLE_AGE: Duration = Duration::from_mins(15);
/// Number of grants of a person that are ended at a time.
const CONCURRENT_WRITES: usize = 64;

/// Ends the oldest sessions of a person who has just signed in: `new`.
pub(crate) async fn limit_sessions(
    context: AccountContext<'_>,
    new: &ActiveSession,
) -> Result<(), AccountError> {
    let found =
        records_of_person(context, RecordKind::Session, new.account.subject.as_str()).await?;
    let others = found.into_iter().filter(|stored| stored.record.key.id != new.record_id());
    let decoded = others.filter_map(|stored| {
        let session: Session = decode_record(&stored.record.value).ok()?;
        Some((session.created_at, (stored, session)))
    });
    for (stored, session) in oldest_beyond(decoded.collect(), MAX_SESSIONS - 1) {
        let cause = (LogoutKind::Limit, None);
        end_stored_session(context, &stored.record.key, &session, cause).await?;
    }
    Ok(())
}

/// Ends the oldest upstream sessions of a person who has just signed in. The sessions and grants that depend on
/// them end too. Those that cannot be opened, and those that have ended, go first.
pub(crate) async fn limit_upstream_sessions(
    context: AccountContext<'_>,
    new: &ActiveSession,
) -> Result<(), AccountError> {
    let origin = new.session.origin.as_ref();
    let Some(own) = origin.and_then(|origin| origin.upstream_session.as_deref()) else {
        return Ok(());
    };
    let subject = new.session.authentication.subject.as_str();
    let found = records_of_person(context, RecordKind::UpstreamSession, subject).await?;
    if found.len() <= MAX_UPSTREAM_SESSIONS {
        return Ok(());
    }
    let mut aged = Vec::with_capacity(found.len());
    for stored in found.into_iter().filter(|stored| stored.record.key.id != own) {
        let opened = open_upstream_session(context, &stored.record.key.id, &stored)?;
        let session = opened.map(|opened| opened.session);
        let lasts = |session: &&UpstreamSession| !session.ended || session.offline_until.is_some();
        let age = session.as_ref().filter(lasts).map(|session| session.created_at);
        aged.push((age, (stored.record.key, session)));
    }
    for (key, session) in oldest_beyond(aged, MAX_UPSTREAM_SESSIONS - 1) {
        match session {
            Some(session) => end_upstream_session(context, &session, LogoutKind::Limit).await?,
            None => {
                context.take(&key).await?;
            }
        }
    }
    Ok(())
}

/// Deletes the oldest records of a person, of a kind that expires within minutes, before one is added.
pub(crate) async fn limit_pending(
    context: AccountContext<'_>,
    kind: RecordKind,
    subject: &Subject,
) -> Result<(), AccountError> {
    let found = records_of_person(context, kind, subject.as_str()).await?;
    let aged = found.into_iter().map(|stored| (stored.record.expires_at, stored.record.key));
    for key in oldest_beyond(aged.collect(), MAX_PENDING - 1) {
        context.take(&key).await?;
    }
    Ok(())
}

/// A grant that a person holds: its time, its id, and whether it is revoked.
type GrantByAge = (Timestamp, String, bool);

/// Ends the oldest grants of the person of a new grant. A failure is logged: the grant was made.
pub(crate) async fn limit_grants(context: AccountContext<'_>, new: (&str, &Grant)) {
    let mut draw = [0; 4];
    context.services.entropy.fill(&mut draw);
    let person = (context.tenant_id().clone(), new.1.authentication.subject.clone());
    if !context.services.grant_counts.is_due(&person, u32::from_le_bytes(draw)) {
        return;
    }
    match end_grants(context, new).await {
        Ok(count) => context.services.grant_counts.put(person, count),
        Err(error) => tracing::warn!(%error, "could not count the grants of a user"),
    }
}

/// Ends the oldest grants beyond the limits; returns the number of grants there were.
async fn end_grants(
    context: AccountContext<'_>,
    (new, grant): (&str, &Grant),
) -> Result<usize, AccountError> {
    let subject = grant.authentication.subject.as_str();
    let found = records_of_person(context, RecordKind::Grant, subject).await?;
    let count = found.len();
    let mut by_client: HashMap<ClientId, Vec<GrantByAge>> = HashMap::new();
    for stored in found.into_iter().filter(|stored| stored.record.key.id != new) {
        let Ok(grant) = decode_record::<Grant>(&stored.record.value) else { continue };
        let is_revoked = matches!(grant.state, GrantState::Revoked { .. });
        let held = by_client.entry(grant.client).or_default();
        held.push((grant.created_at, stored.record.key.id, is_revoked));
    }
    let excess = excess_grants(by_client.into_values().collect(), context.now);
    end_each(context, excess).await?;
    Ok(count)
}

/// The oldest grants of each client beyond its limit, and the oldest of all beyond the limit of a person. While the
/// person has fewer than the maximum, young grants stay until they can be deleted, because revoking a grant costs
/// as much as a new grant.
fn excess_grants(by_client: Vec<Vec<GrantByAge>>, now: Timestamp) -> Vec<GrantByAge> {
    let is_full = by_client.iter().map(Vec::len).sum::<usize>() > MAX_GRANTS;
    let (mut excess, mut kept) = (Vec::new(), Vec::new());
    for mut held in by_client {
        held.sort();
        let beyond = held.len().saturating_sub(MAX_GRANTS_TO_CLIENT);
        kept.extend(held.split_off(beyond));
        excess.extend(held.into_iter().filter(|(at, ..)| is_full || is_deletable(*at, now)));
    }
    kept.sort();
    kept.truncate(kept.len().saturating_sub(MAX_GRANTS));
    excess.extend(kept);
    excess
}

fn is_deletable(created_at: Timestamp, now: Timestamp) -> bool {
    now.since(created_at) >= DELETABLE_AGE
}

/// Ends grants. Their writes are concurrent, so that the store commits them together.
async fn end_each(
    context: AccountContext<'_>,
    grants: Vec<GrantByAge>,
) -> Result<(), AccountError> {
    let ending = grants.into_iter().map(|(created_at, id, is_revoked)| async move {
        if is_deletable(created_at, context.now) {
            context.take(&context.key(RecordKind::Grant, id)).await?;
        } else if !is_revoked {
            grant_validity::revoke_grant(context, &id).await?;
        }
        Ok(())
    });
    stream::iter(ending).buffer_unordered(CONCURRENT_WRITES).try_collect().await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Grants of one client, made at these seconds.
    fn held(client: &str, seconds: std::ops::Range<i64>) -> Vec<GrantByAge> {
        seconds.map(|at| (Timestamp::from_secs(at), format!("{client}-{at}"), false)).collect()
    }

    fn ids(excess: Vec<GrantByAge>) -> Vec<String> {
        excess.into_iter().map(|(_, id, _)| id).collect()
    }

    #[test]
    fn old_grants_beyond_the_limit_of_a_client_are_ended() {
        let now = Timestamp::from_secs(910);
        let excess = excess_grants(vec![held("a", 0..70), held("b", 0..50)], now);
        let expected: Vec<_> = (0..=10).map(|at| format!("a-{at}")).collect();
        assert_eq!(ids(excess), expected, "the others are younger than fifteen minutes");
    }

    #[test]
    fn a_full_person_keeps_the_youngest_of_each_client() {
        let now = Timestamp::from_secs(1000);
        let excess = excess_grants(vec![held("a", 400..1000), held("b", 0..40)], now);
        let expected: Vec<_> = (400..950).map(|at| format!("a-{at}")).collect();
        assert_eq!(ids(excess), expected, "an application does not end the grants of others");
        let twelve = (0..12).map(|client| held(&format!("{client:02}"), client..client + 50));
        let excess = ids(excess_grants(twelve.collect(), now));
        assert_eq!(excess.len(), 600 - MAX_GRANTS);
        assert!(excess.contains(&"00-0".to_owned()) && !excess.contains(&"11-60".to_owned()));
    }
}
