//! The loop that changes a record which other replicas may change at the same time.
//!
//! [`update_record`] is for changes that must not be lost. A single `compare_and_swap` is right where the slower of two
//! writers needs nothing more:
//!
//! - Only one request may win: it uses up a code, claims a refresh, or delivers a message of the outbox.
//! - The faster writer made the same change: it stored the use of a session, or the marks of a restored user.
//! - A change is undone, and what another writer has stored since must stay.
//!
//! Two loops are not `update_record`, because they read other records between reading and writing theirs:
//! `accounts::token_grants` reads the user and session of a grant, and `accounts::factors::recovery_codes` the user's
//! authenticators.

use super::{Record, RecordKey, Store, StoreError, VersionedRecord};
use crate::model::Timestamp;

/// Most attempts to write a record that other writers change at the same time.
pub const MAX_UPDATE_ATTEMPTS: usize = 3;

/// The change of a record, with the outcome for the caller.
#[derive(Debug)]
pub enum RecordChange<T> {
    /// Nothing is written, and the caller gets the outcome.
    Keep(T),
    /// The record is inserted, or replaces the stored one; then the caller gets the outcome.
    Write(Record, T),
}

/// Inserts or replaces a record, as a function decides from the stored one. `stored` is the record as the caller has
/// read it. If another writer was faster, it is read and decided again. `None` if it kept changing.
pub async fn update_record<T, E: From<StoreError>>(
    store: &dyn Store,
    (key, now): (&RecordKey, Timestamp),
    mut stored: Option<VersionedRecord>,
    mut change: impl FnMut(Option<&VersionedRecord>) -> Result<RecordChange<T>, E>,
) -> Result<Option<T>, E> {
    for _ in 0..MAX_UPDATE_ATTEMPTS {
        let (record, outcome) = match change(stored.as_ref())? {
            RecordChange::Keep(outcome) => return Ok(Some(outcome)),
            RecordChange::Write(record, outcome) => (record, outcome),
        };
        let is_written = match stored {
            Some(stored) => store.compare_and_swap(stored.version, record, now).await?,
            None => store.insert(record, now).await?,
        };
        if is_written {
            return Ok(Some(outcome));
        }
        stored = store.get(key, now).await?;
    }
    Ok(None)
}
