//! Grants as records of the store: reading, swapping and revoking.

use crate::{
    accounts::{AccountContext, AccountError, context::RecordChange},
    model::Timestamp,
    protocol::{
        records::{Grant, GrantState, decode_record, encode_record},
        session::CLOCK_SKEW,
    },
    store::{IndexEntry, IndexKind, Record, RecordKey, RecordKind, VersionedRecord},
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
pub(in crate::accounts) fn grant_record(
    context: AccountContext<'_>,
    id: &str,
    grant: &Grant,
    expires_at: Timestamp,
) -> Record {
    let mut owners = vec![
        IndexEntry::new(IndexKind::User, grant.authentication.subject.as_str()),
        IndexEntry::new(IndexKind::Client, grant.client.as_str()),
    ];
    owners.extend(grant.sid.as_deref().map(|sid| IndexEntry::new(IndexKind::Session, sid)));
    Record {
        key: key(context, id),
        value: encode_record(grant).into(),
        expires_at,
        owners,
        due_at: None,
    }
}

/// Reads a grant. `None` if the store does not have it, or it has expired.
pub(crate) async fn load_grant(
    context: AccountContext<'_>,
    id: &str,
) -> Result<Option<StoredGrant>, AccountError> {
    context.get(&key(context, id)).await?.as_ref().map(StoredGrant::read).transpose()
}

/// Reads a grant with its record, which [`revoke_stored_grant`] revokes.
pub(in crate::accounts) async fn load_grant_record(
    context: AccountContext<'_>,
    id: &str,
) -> Result<Option<(VersionedRecord, Grant)>, AccountError> {
    let Some(stored) = context.get(&key(context, id)).await? else { return Ok(None) };
    let grant = StoredGrant::read(&stored)?.grant;
    Ok(Some((stored, grant)))
}

/// Replaces a grant unless it changed concurrently. `until`: expiry of the last token that refers
/// to the new state. A record's expiry is never moved earlier.
pub(crate) async fn swap_grant(
    context: AccountContext<'_>,
    stored: &StoredGrant,
    (id, grant): (&str, &Grant),
    until: Timestamp,
) -> Result<bool, AccountError> {
    let record = grant_record(context, id, grant, stored.expiry(until, context.now));
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
pub(in crate::accounts) async fn revoke_stored_grant(
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
        let record = grant_record(context, &key.id, &grant, expires_at);
        Ok(RecordChange::Write(record, Some(grant)))
    };
    context.update(key, stored, revoked).await
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        time::Duration,
    };

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
            binding: None,
            resources: BTreeMap::new(),
            authorization_details: BTreeMap::new(),
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
