//! The tables of the file, and the only code that changes them. A record, its index entries, its expiry, its due
//! time and the version counter change together in one transaction.

use redb::{
    Database, ReadableDatabase as _, ReadableTable, Table, TableDefinition, WriteTransaction,
};

use crate::{
    model::{ErrorCause, Timestamp},
    store::{
        Record, RecordKey, StoreError, VersionedRecord,
        encoding::{self, DamagedRecord, EncodedRecord},
    },
};

/// Metadata of the store: `format` and `incarnation`.
pub(super) const ABOUT: TableDefinition<&str, &str> = TableDefinition::new("about");
/// The records: encoded key → encoded row (`encoding`). `get` reads it.
pub(super) const RECORDS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("records");
/// The index: (listing, id). `list` scans it.
pub(super) const OWNERS: TableDefinition<(&[u8], &str), ()> = TableDefinition::new("owners");
/// The expiry index: (expiry, key). `purge` scans it.
pub(super) const EXPIRY: TableDefinition<(i64, &[u8]), ()> = TableDefinition::new("expiry");
/// The due time index: (kind, due time, key). `list_due` scans it.
pub(super) const DUE: TableDefinition<(&str, i64, &[u8]), ()> = TableDefinition::new("due");
/// One entry: the version of the last write to any record, so no version is reused.
const VERSION: TableDefinition<(), u64> = TableDefinition::new("version");

/// The reason why an operation on the file failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum EmbeddedError {
    #[error(transparent)]
    File(Box<redb::Error>),
    #[error(transparent)]
    Row(#[from] DamagedRecord),
    #[error("the store's file is {0}")]
    Closed(String),
}

impl From<EmbeddedError> for StoreError {
    fn from(failure: EmbeddedError) -> Self {
        Self::Unavailable(ErrorCause::new(failure))
    }
}

impl<E: Into<redb::Error>> From<E> for EmbeddedError {
    fn from(error: E) -> Self {
        Self::File(Box::new(error.into()))
    }
}

/// Creates the tables that the file does not have yet.
pub(super) fn create_tables(transaction: &WriteTransaction) -> Result<(), EmbeddedError> {
    WriteTables::open(transaction).map(drop)
}

/// Creates the due time index of a file that an earlier release wrote, and removes the entries that
/// such a release, which does not know the index, has left behind.
pub(super) fn repair_due_index(database: &Database) -> Result<(), EmbeddedError> {
    let mut changed = database.begin_read()?.open_table(DUE).is_err();
    let transaction = database.begin_write()?;
    {
        let records = transaction.open_table(RECORDS)?;
        transaction.open_table(DUE)?.retain(|(_, due_at, key), ()| {
            let row = records.get(key).ok().flatten();
            let is_current = row.is_some_and(|bytes| {
                EncodedRecord::read(bytes.value()).is_ok_and(|row| due(Some(&row)) == Some(due_at))
            });
            changed |= !is_current;
            is_current
        })?;
    }
    if changed {
        transaction.commit()?;
    } else {
        transaction.abort()?;
    }
    Ok(())
}

/// The tables, opened in a write transaction.
pub(super) struct WriteTables<'t> {
    records: Table<'t, &'static [u8], &'static [u8]>,
    owners: Table<'t, (&'static [u8], &'static str), ()>,
    expiry: Table<'t, (i64, &'static [u8]), ()>,
    due: Table<'t, (&'static str, i64, &'static [u8]), ()>,
    version: Table<'t, (), u64>,
    /// The version of the last write to any record, in this transaction or before it.
    last_version: u64,
    changed: bool,
}

impl<'t> WriteTables<'t> {
    /// Opens all tables for writing, and creates those that do not exist.
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, EmbeddedError> {
        let version = transaction.open_table(VERSION)?;
        let last_version = version.get(())?.map_or(0, |last| last.value());
        Ok(Self {
            records: transaction.open_table(RECORDS)?,
            owners: transaction.open_table(OWNERS)?,
            expiry: transaction.open_table(EXPIRY)?,
            due: transaction.open_table(DUE)?,
            version,
            last_version,
            changed: false,
        })
    }

    /// Writes the version counter, once for all records of the transaction. Returns true if there is anything to
    /// commit.
    pub(super) fn finish(mut self) -> Result<bool, EmbeddedError> {
        if self.changed {
            self.version.insert((), self.last_version)?;
        }
        Ok(self.changed)
    }

    /// Writes a record unless a live one exists.
    pub(super) fn insert(
        &mut self,
        record: &Record,
        now: Timestamp,
    ) -> Result<bool, EmbeddedError> {
        let vacant = self.live(&record.key, now)?.is_none();
        if vacant {
            self.put(record)?;
        }
        Ok(vacant)
    }

    /// Removes and returns a record; `None` if it is absent, or has expired at `now`.
    pub(super) fn take(
        &mut self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, EmbeddedError> {
        let found = self.live(key, now)?;
        if found.is_some() {
            self.remove(&encoding::encode_key(key))?;
        }
        Ok(found)
    }

    /// Replaces a live record that has this version.
    pub(super) fn swap(
        &mut self,
        version: u64,
        record: &Record,
        now: Timestamp,
    ) -> Result<bool, EmbeddedError> {
        let unchanged =
            self.live(&record.key, now)?.is_some_and(|stored| stored.version == version);
        if unchanged {
            self.put(record)?;
        }
        Ok(unchanged)
    }

    /// Removes at most `limit` records that expired until `before`.
    pub(super) fn purge(
        &mut self,
        limit: usize,
        before: Timestamp,
    ) -> Result<usize, EmbeddedError> {
        let end = (before.millis().saturating_add(1), &[][..]);
        let mut expired = Vec::new();
        for entry in self.expiry.range(..end)?.take(limit) {
            expired.push(entry?.0.value().1.to_vec());
        }
        for key in &expired {
            self.remove(key)?;
        }
        Ok(expired.len())
    }

    fn live(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, EmbeddedError> {
        live_record(&self.records, key, now)
    }

    /// Writes a record, replacing any row of its key.
    fn put(&mut self, record: &Record) -> Result<(), EmbeddedError> {
        let key = encoding::encode_key(&record.key);
        self.last_version += 1;
        let row = EncodedRecord::of(record, self.last_version);
        let replaced = self.records.insert(&*key, &*row.write())?;
        let replaced = replaced.map(|bytes| bytes.value().to_vec());
        let before = replaced.as_deref().map(EncodedRecord::read).transpose()?;
        self.index(&key, before.as_ref(), Some(&row))
    }

    fn remove(&mut self, key: &[u8]) -> Result<(), EmbeddedError> {
        let removed = self.records.remove(key)?.map(|bytes| bytes.value().to_vec());
        let Some(bytes) = removed else { return Ok(()) };
        self.index(key, Some(&EncodedRecord::read(&bytes)?), None)
    }

    /// Updates the indexes to match a record's row. Entries that both the old and the new row have are not written
    /// again. The cost of a commit grows with its pages, and each index entry is on a separate page.
    fn index(
        &mut self,
        key: &[u8],
        before: Option<&EncodedRecord<'_>>,
        after: Option<&EncodedRecord<'_>>,
    ) -> Result<(), EmbeddedError> {
        let (scope, id) = encoding::split_key(key).ok_or(DamagedRecord)?;
        let (had, has) = (owners(before), owners(after));
        for owner in had.iter().filter(|owner| !has.contains(owner)) {
            self.owners.remove((&*encoding::encode_listing(scope, *owner), id))?;
        }
        for owner in has.iter().filter(|owner| !had.contains(owner)) {
            self.owners.insert((&*encoding::encode_listing(scope, *owner), id), ())?;
        }
        let [expired, expires] = [before, after].map(|row| row.map(|row| row.expires_at.millis()));
        if expired != expires {
            if let Some(at) = expired {
                self.expiry.remove((at, key))?;
            }
            if let Some(at) = expires {
                self.expiry.insert((at, key), ())?;
            }
        }
        let (was_due, is_due) = (due(before), due(after));
        if was_due != is_due {
            let kind = encoding::scope_kind(scope).ok_or(DamagedRecord)?;
            if let Some(at) = was_due {
                self.due.remove((kind, at, key))?;
            }
            if let Some(at) = is_due {
                self.due.insert((kind, at, key), ())?;
            }
        }
        self.changed = true;
        Ok(())
    }
}

fn due(row: Option<&EncodedRecord<'_>>) -> Option<i64> {
    row.and_then(|row| row.due_at).map(Timestamp::millis)
}

fn owners<'r, 'o>(row: Option<&'r EncodedRecord<'o>>) -> &'r [(&'o str, &'o str)] {
    row.map_or(&[], |row| &row.owners)
}

/// Reads a live record from the open table.
pub(super) fn live_record(
    records: &impl ReadableTable<&'static [u8], &'static [u8]>,
    key: &RecordKey,
    now: Timestamp,
) -> Result<Option<VersionedRecord>, EmbeddedError> {
    let Some(bytes) = records.get(&*encoding::encode_key(key))? else { return Ok(None) };
    let row = EncodedRecord::read(bytes.value())?;
    if row.expires_at <= now {
        return Ok(None);
    }
    Ok(Some(row.stored(key.clone())))
}
