//! Grants in the store: reading, creating, swapping, revoking, and whether a grant's session is
//! still active. The validity of users' tokens is decided here and in `protocol`
//! (docs/design/state.md#tokens-name-their-grant).

use std::sync::Arc;

use super::{
    AccountContext, AccountError, context::RecordChange, endings, entry, people::SignedInPerson,
    signed_in_account::find_account, token_events, upstream_sessions,
};
use crate::{
    model::{Account, Timestamp},
    protocol::{
        access::{self, EntryRefusal},
        marks::{self, MarkedRecord},
        records::{Grant, GrantState, Session, decode_record, encode_record},
        session::{self, CLOCK_SKEW},
    },
    store::{IndexEntry, OwnerKind, Record, RecordKey, RecordKind, VersionedRecord},
};

/// A grant as stored, with the version for compare-and-swap.
#[derive(Clone, Debug)]
pub(crate) struct StoredGrant {
    pub(crate) grant: Grant,
    version: u64,
    expires_at: Timestamp,
}

impl StoredGrant {
    fn read(stored: &VersionedRecord) -> Result<Self, AccountError> {
        let grant = decode_record(&stored.record.value)
            .map_err(|_| AccountError::Undecodable(RecordKind::Grant))?;
        Ok(Self { grant, version: stored.version, expires_at: stored.record.expires_at })
    }

    /// Returns true if the record lives until `until`, when the last token that refers to it
    /// expires.
    pub(crate) fn outlives(&self, until: Timestamp) -> bool {
        self.expires_at >= until.plus(CLOCK_SKEW)
    }

    /// The expiry of the record after the next write. An extension adds an eighth more than needed,
    /// so that most refreshes do not change the expiry or the store's indexes.
    fn expiry(&self, until: Timestamp, now: Timestamp) -> Timestamp {
        if self.outlives(until) {
            return self.expires_at;
        }
        until.plus(CLOCK_SKEW).plus(until.since(now) / 8)
    }
}

fn key(context: AccountContext<'_>, id: &str) -> RecordKey {
    context.key(RecordKind::Grant, id)
}

/// The record of a grant, which lives until every token that refers to the grant has expired.
fn record(context: AccountContext<'_>, id: &str, grant: &Grant, expires_at: Timestamp) -> Record {
    let mut owners = vec![
        IndexEntry::new(OwnerKind::User, grant.authentication.subject.as_str()),
        IndexEntry::new(OwnerKind::Client, grant.client.as_str()),
    ];
    owners.extend(grant.sid.as_deref().map(|sid| IndexEntry::new(OwnerKind::Session, sid)));
    Record {
        key: key(context, id),
        value: encode_record(grant).into(),
        expires_at,
        owners,
        due_at: None,
    }
}

/// Inserts a grant: the atomic gate that a code passes once. Returns `false` if it exists already.
/// `until`: expiry of the last token that refers to it.
pub(crate) async fn insert_grant(
    context: AccountContext<'_>,
    (id, grant): (&str, &Grant),
    until: Timestamp,
) -> Result<bool, AccountError> {
    upstream_sessions::keep_for_grant(context, grant).await?;
    let record = record(context, id, grant, until.plus(CLOCK_SKEW));
    Ok(context.insert(record).await?)
}

/// Reads a grant.
pub(crate) async fn load_grant(
    context: AccountContext<'_>,
    id: &str,
) -> Result<Option<StoredGrant>, AccountError> {
    context.get(&key(context, id)).await?.as_ref().map(StoredGrant::read).transpose()
}

/// Replaces a grant unless it changed concurrently. `until`: expiry of the last token that refers
/// to the new state. A record's expiry is never moved earlier.
pub(crate) async fn swap_grant(
    context: AccountContext<'_>,
    stored: &StoredGrant,
    (id, grant): (&str, &Grant),
    until: Timestamp,
) -> Result<bool, AccountError> {
    let record = record(context, id, grant, stored.expiry(until, context.now));
    Ok(context.compare_and_swap(stored.version, record).await?)
}

/// Revokes a grant despite concurrent changes. Returns the grant if it was not revoked before.
pub(crate) async fn revoke_grant(
    context: AccountContext<'_>,
    id: &str,
) -> Result<Option<Grant>, AccountError> {
    let key = key(context, id);
    let stored = context.get(&key).await?;
    revoke_stored_grant(context, &key, stored).await
}

/// Revokes a grant as loaded from the store, despite changes since then.
pub(super) async fn revoke_stored_grant(
    context: AccountContext<'_>,
    key: &RecordKey,
    stored: Option<VersionedRecord>,
) -> Result<Option<Grant>, AccountError> {
    let revoked = |stored: Option<&VersionedRecord>| {
        let Some(stored) = stored.map(StoredGrant::read).transpose()? else {
            return Ok(RecordChange::Keep(None));
        };
        if matches!(stored.grant.state, GrantState::Revoked { .. }) {
            return Ok(RecordChange::Keep(None));
        }
        // All tokens that refer to the grant exist already, so its expiry stays.
        let expires_at = stored.expiry(context.now, context.now);
        let state = GrantState::Revoked { at: context.now };
        let grant = Grant { state, ..stored.grant };
        let record = record(context, &key.id, &grant, expires_at);
        Ok(RecordChange::Write(record, Some(grant)))
    };
    context.update(key, stored, revoked).await
}

/// The reason that a grant gives nothing now. It may give tokens again later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GrantRefusal {
    /// Its user or client is disabled or deleted, or its session has ended.
    Inactive,
    /// The user's identity provider says too little about the user now, or its rules refuse the user.
    NotAdmitted,
    /// Its user may not use the client.
    Entry(EntryRefusal),
}

/// The account of a grant, if the grant gives tokens now: it is active, and its user may use the
/// client. Every token of a grant, and every use of one, passes here. A refused entry is reported.
pub(crate) async fn account_of_grant(
    context: AccountContext<'_>,
    grant: &Grant,
) -> Result<Result<Arc<Account>, GrantRefusal>, AccountError> {
    account_of(context, grant, SessionDemand::UnlessOffline).await
}

/// The account of a grant that a code is about to create ([`account_of_grant`]). The session is active,
/// even if the grant will outlive it: a sign-out leaves no code behind that still counts.
pub(crate) async fn account_of_new_grant(
    context: AccountContext<'_>,
    grant: &Grant,
) -> Result<Result<Arc<Account>, GrantRefusal>, AccountError> {
    account_of(context, grant, SessionDemand::Always).await
}

/// Whether the session of a grant has to be active.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SessionDemand {
    Always,
    UnlessOffline,
}

async fn account_of(
    context: AccountContext<'_>,
    grant: &Grant,
    demand: SessionDemand,
) -> Result<Result<Arc<Account>, GrantRefusal>, AccountError> {
    let account = match active_account(context, grant, demand).await {
        Ok(Some(account)) => account,
        Ok(None) => return Ok(Err(GrantRefusal::Inactive)),
        Err(AccountError::NotAdmitted(_)) => return Ok(Err(GrantRefusal::NotAdmitted)),
        Err(error) => return Err(error),
    };
    let Some(client) = context.tenant.client(grant.client.as_str()) else {
        return Ok(Err(GrantRefusal::Inactive));
    };
    let entry = access::may_enter(&account, client, &context.tenant.tenant, &grant.authentication);
    Ok(match entry {
        Ok(()) => Ok(account),
        Err(refusal) => {
            let person = (&grant.authentication, grant.sid.as_deref());
            entry::count_refused_entry(context, client, &refusal);
            context.audit(token_events::entry_event(client, person, &refusal));
            Err(GrantRefusal::Entry(refusal))
        }
    })
}

/// The account of an active grant: user and client are still those it was made for, and without
/// `offline_access`, which the client may have lost, the session is still active.
async fn active_account(
    context: AccountContext<'_>,
    grant: &Grant,
    demand: SessionDemand,
) -> Result<Option<Arc<Account>>, AccountError> {
    let client = context.tenant.client(grant.client.as_str());
    let Some(client) = client.filter(|client| grant.is_of(client)) else { return Ok(None) };
    let person = SignedInPerson {
        subject: &grant.authentication.subject,
        origin: grant.origin.as_ref(),
        is_offline: grant.is_offline_for(client),
    };
    let account = find_account(context, person).await?;
    let Some(account) = account else { return Ok(None) };
    let sid = grant.sid.as_deref();
    let record = MarkedRecord { marks: grant.marks, created_at: grant.created_at, sid };
    if !endings::is_usable(context, record, &account).await? {
        return Ok(None);
    }
    let active = match &grant.sid {
        Some(sid) if demand == SessionDemand::Always || !grant.is_offline_for(client) => {
            session_is_active(context, sid, &account).await?
        }
        _ => true,
    };
    Ok(active.then_some(account))
}

async fn session_is_active(
    context: AccountContext<'_>,
    sid: &str,
    account: &Account,
) -> Result<bool, AccountError> {
    let tenant = &context.tenant.tenant;
    // The record of a disabled or deleted user ends the grant too.
    let marks = endings::current_marks(context, account);
    let is_it = |stored: &VersionedRecord| {
        decode_record::<Session>(&stored.record.value).is_ok_and(|session| {
            session.sid == sid
                && session::is_live(&session, account, &tenant.lifetimes, context.now)
                && marks::is_of(session::session_marks(&session), account, marks, context.now)
        })
    };
    if let Some(key) = context.services.session_key_cache.find(&tenant.id, sid)
        && context.get(&key).await?.as_ref().is_some_and(is_it)
    {
        return Ok(true);
    }
    let owner = IndexEntry::new(OwnerKind::Session, sid);
    let sessions =
        context.services.store.list(RecordKind::Session, &tenant.id, &owner, context.now).await?;
    let found = sessions.iter().find(|stored| is_it(stored));
    if let Some(stored) = found {
        context.services.session_key_cache.found(sid, &stored.record.key);
    }
    Ok(found.is_some())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use super::*;
    use crate::{
        model::{ClientId, Subject},
        protocol::{
            authentication::{Authentication, AuthenticationMethod},
            records::{RequestedClaims, SupersededTimes},
        },
    };

    fn stored(expires_at: Timestamp, now: Timestamp) -> StoredGrant {
        let grant = Grant {
            client: ClientId::new("team.app"),
            authentication: Authentication::by(
                AuthenticationMethod::password(),
                Subject::new("ada"),
                now,
            ),
            acr: None,
            sid: None,
            scopes: BTreeSet::new(),
            nonce: None,
            wants_auth_time: false,
            created_at: now,
            ends_at: now,
            state: GrantState::PendingRedemption,
            claims: RequestedClaims::default(),
            superseded: SupersededTimes::default(),
            client_object: None,
            marks: None,
            origin: None,
        };
        StoredGrant { grant, version: 1, expires_at }
    }

    #[test]
    fn a_record_outlives_its_token_and_rarely_changes_its_expiry() {
        const DAY: Duration = Duration::from_hours(24);
        let mut now = Timestamp::from_secs(1_800_000_000);
        let mut expires_at = now.plus(30 * DAY).plus(CLOCK_SKEW);
        let (end, mut moves) = (now.plus(60 * DAY), 0);
        while now < end {
            now = now.plus(Duration::from_mins(10));
            let next = stored(expires_at, now).expiry(now.plus(30 * DAY), now);
            assert!(next >= now.plus(30 * DAY).plus(CLOCK_SKEW), "it outlives the token");
            assert!(next <= now.plus(34 * DAY), "but not for much longer");
            moves += u32::from(next != expires_at);
            expires_at = next;
        }
        assert!((15..=17).contains(&moves), "{moves} of 8,640 refreshes moved it");
    }
}
