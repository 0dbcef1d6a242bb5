//! The attempts to use a second factor, counted in the store so that guesses at several replicas count
//! together. An attempt is counted before it is judged.

use std::time::Duration;

use super::{
    AccountContext, AccountError, context::RecordChange, vaulted_record::person_record_key,
};
use crate::{
    identity::{BackoffCounter, BackoffPolicy},
    model::{Subject, Timestamp},
    protocol::records::{FactorAttempts, decode_record, encode_record},
    store::{IndexEntry, OwnerKind, Record, RecordKind, VersionedRecord},
};

/// After five failures 30 s, 1 min, … 1 h: at most about 30 guesses a day at codes of which three in a
/// million are right.
const BACKOFF: BackoffPolicy = BackoffPolicy {
    free: 5,
    first: Duration::from_secs(30),
    most: Duration::from_hours(1),
    forget: Duration::from_hours(24),
};

/// Counts an attempt. Returns the time to wait if it comes too soon; then it must not be judged.
pub(super) async fn begin_attempt(
    context: AccountContext<'_>,
    subject: &Subject,
) -> Result<Option<Duration>, AccountError> {
    let key = person_record_key(context, RecordKind::FactorAttempts, subject);
    let now = context.store_now;
    let count = |stored: Option<&VersionedRecord>| {
        let before = stored.and_then(read_counter);
        let wait = BACKOFF.wait_time(before, now);
        if !wait.is_zero() {
            return Ok(RecordChange::Keep(Some(wait)));
        }
        let BackoffCounter { failures, last, wait_until } = BACKOFF.after_failure(before, now);
        let attempts = FactorAttempts { failures, last, wait_until };
        let record = Record {
            key: key.clone(),
            value: encode_record(&attempts).into(),
            expires_at: expiry(now),
            owners: vec![IndexEntry::new(OwnerKind::User, subject.as_str())],
            due_at: None,
        };
        Ok(RecordChange::Write(record, None))
    };
    let stored = context.get(&key).await?;
    match context.update(&key, stored, count).await {
        // Many attempts at once are not those of a person.
        Err(AccountError::Conflict(_)) => Ok(Some(Duration::from_secs(1))),
        counted => counted,
    }
}

/// Forgets the attempts of a person who has proved the factor.
pub(super) async fn forget_attempts(
    context: AccountContext<'_>,
    subject: &Subject,
) -> Result<(), AccountError> {
    let key = person_record_key(context, RecordKind::FactorAttempts, subject);
    context.take(&key).await?;
    Ok(())
}

fn expiry(now: Timestamp) -> Timestamp {
    now.plus(BACKOFF.forget + BACKOFF.most)
}

fn read_counter(stored: &VersionedRecord) -> Option<BackoffCounter> {
    let FactorAttempts { failures, last, wait_until } = decode_record(&stored.record.value).ok()?;
    Some(BackoffCounter { failures, last, wait_until })
}
