//! Reads records from the tables of the file.

use std::ops::RangeInclusive;

use redb::ReadTransaction;

use super::tables::{DUE, EmbeddedError, OWNERS, RECORDS, live_record};
use crate::{
    model::{TenantId, Timestamp},
    store::{
        DueRecords, IndexEntry, MAX_LISTED, RecordKey, RecordKind, VersionedRecord,
        encoding::{self, DamagedRecord},
        record::skip_damaged,
    },
};

/// Reads a record; `None` if it is absent, or has expired at `now`.
pub(super) fn get_record(
    transaction: &ReadTransaction,
    key: &RecordKey,
    now: Timestamp,
) -> Result<Option<VersionedRecord>, EmbeddedError> {
    live_record(&transaction.open_table(RECORDS)?, key, now)
}

/// Lists the live records of a kind for an index entry.
pub(super) fn list_records(
    transaction: &ReadTransaction,
    (kind, tenant): (RecordKind, &TenantId),
    owner: &IndexEntry,
    now: Timestamp,
) -> Result<Vec<VersionedRecord>, EmbeddedError> {
    let records = transaction.open_table(RECORDS)?;
    let scope = encoding::encode_scope(kind, tenant);
    let listing = encoding::encode_listing(&scope, (owner.kind.as_str(), &owner.id));
    let mut found = Vec::new();
    for entry in transaction.open_table(OWNERS)?.range((&*listing, "")..)? {
        let entry = entry?.0;
        let (its, id) = entry.value();
        if its != listing || found.len() == MAX_LISTED {
            break;
        }
        found.extend(live_record(&records, &RecordKey::new(kind, tenant, id), now)?);
    }
    Ok(found)
}

/// Lists the live records of a kind by due time.
pub(super) fn list_due(
    transaction: &ReadTransaction,
    kind: RecordKind,
    due: RangeInclusive<Timestamp>,
    limit: usize,
    now: Timestamp,
) -> Result<DueRecords, EmbeddedError> {
    let records = transaction.open_table(RECORDS)?;
    let start = (kind.as_str(), due.start().millis(), &[][..]);
    let end = (kind.as_str(), due.end().millis().saturating_add(1), &[][..]);
    let mut found = DueRecords::default();
    if start >= end {
        return Ok(found);
    }
    for entry in transaction.open_table(DUE)?.range(start..end)? {
        if found.records.len() == limit {
            break;
        }
        let entry = entry?.0;
        let key = encoding::record_key(kind, entry.value().2).ok_or(DamagedRecord);
        let name = entry.value().2.escape_ascii();
        let Some(key) = skip_damaged(kind, name, key) else {
            found.skipped += 1;
            continue;
        };
        match live_record(&records, &key, now) {
            Err(EmbeddedError::Row(damaged)) => {
                skip_damaged(kind, &key, Err::<VersionedRecord, _>(damaged));
                found.skipped += 1;
            }
            read => found.records.extend(read?),
        }
    }
    Ok(found)
}
