//! The writer thread: drains a queue, decides each operation inside the batch's transaction,
//! commits once for all of them, and answers when readers see the commit. If a batch fails before it is
//! committed, all its operations fail.

use std::{
    sync::{Arc, PoisonError, RwLock},
    thread,
    time::Duration,
};

use arc_swap::ArcSwap;
use redb::{Database, ReadOnlyTable, ReadTransaction, ReadableDatabase as _};
use tokio::sync::{mpsc, oneshot};

use super::{
    file::StoreFile,
    tables::{EmbeddedError, RECORDS, WriteTables},
};
use crate::{
    model::{ErrorCause, Timestamp},
    store::{Record, RecordKey, StoreError, VersionedRecord},
};

/// Maximum operations per commit. Bounds the memory of a commit and how many operations its failure
/// affects.
const MAX_BATCH_SIZE: usize = 256;

/// Wait between two commits, per record of the previous commit and at most sixteen times as long. A
/// commit costs many times as much as a record in it, so the writer waits while requests are in
/// flight that may still write.
const COMMIT_PAUSE_PER_RECORD: Duration = Duration::from_millis(1);
const MAX_COMMIT_PAUSES: usize = 16;

/// A write operation on the file.
pub(super) enum WriteOperation {
    Insert(Record),
    Take(RecordKey),
    Swap(u64, Record),
    Purge(usize),
}

/// The result of a write operation.
pub(super) enum WriteOutcome {
    Done(bool),
    Taken(Option<VersionedRecord>),
    Purged(usize),
}

/// A queued operation, the caller's current time, and the channel for its result.
pub(super) struct WriteJob {
    pub(super) operation: WriteOperation,
    pub(super) now: Timestamp,
    pub(super) answer: oneshot::Sender<Result<WriteOutcome, StoreError>>,
}

/// The open database, and the last commit as readers see it.
pub(super) struct OpenDatabase {
    // Dropped first: it is a reading transaction of the database.
    committed: ArcSwap<CommittedRecords>,
    database: Database,
}

/// The last commit. All reads until the next one are of the same state.
pub(super) struct CommittedRecords {
    /// The table of records, because to open it costs more than to read a record.
    pub(super) records: RecordTable,
    /// The transaction of the table, to read the indexes.
    pub(super) transaction: ReadTransaction,
}

type RecordTable = ReadOnlyTable<&'static [u8], &'static [u8]>;

impl CommittedRecords {
    fn read(database: &Database) -> Result<Self, EmbeddedError> {
        let transaction = database.begin_read()?;
        Ok(Self { records: transaction.open_table(RECORDS)?, transaction })
    }
}

impl OpenDatabase {
    pub(super) fn new(database: Database) -> Result<Self, EmbeddedError> {
        let committed = ArcSwap::from_pointee(CommittedRecords::read(&database)?);
        Ok(Self { committed, database })
    }

    /// Shows the last commit to readers.
    fn refresh(&self) -> Result<(), EmbeddedError> {
        self.committed.store(Arc::new(CommittedRecords::read(&self.database)?));
        Ok(())
    }
}

/// The database, absent while it is being reopened after an error.
pub(super) struct SharedDatabase {
    pub(super) database: RwLock<Option<OpenDatabase>>,
    pub(super) file: StoreFile,
    pub(super) incarnation: String,
}

/// Runs the writer on its thread, until all senders of operations are dropped.
pub(super) fn run_writer(
    shared: &Arc<SharedDatabase>,
    mut jobs: mpsc::Receiver<WriteJob>,
    at_work: impl Fn() -> usize,
) {
    let mut batch = Vec::with_capacity(MAX_BATCH_SIZE);
    while jobs.blocking_recv_many(&mut batch, MAX_BATCH_SIZE) > 0 {
        let last = batch.len();
        match shared.commit(&batch) {
            Ok(outcomes) => {
                for (job, outcome) in batch.drain(..).zip(outcomes) {
                    // The operation stands even if the caller no longer waits for the result.
                    let _ = job.answer.send(Ok(outcome));
                }
            }
            Err(failure) => {
                shared.recover(&failure);
                let error = StoreError::from(failure);
                for job in batch.drain(..) {
                    let _ = job.answer.send(Err(error.clone()));
                }
            }
        }
        for _ in 0..last.min(MAX_COMMIT_PAUSES) {
            thread::sleep(COMMIT_PAUSE_PER_RECORD);
            if nearly_all(jobs.len(), at_work()) {
                break;
            }
        }
    }
}

/// Returns true if the operations waiting are at least three quarters of the requests in flight.
/// The last quarter can join the next commit while the disk writes this one.
const fn nearly_all(waiting: usize, at_work: usize) -> bool {
    waiting * 4 >= at_work * 3
}

impl SharedDatabase {
    /// Calls a function with the database if it is open.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, EmbeddedError>,
    ) -> Result<T, EmbeddedError> {
        self.with_open(|open| work(&open.database))
    }

    /// Calls a function with the last commit.
    pub(super) fn with_committed<T>(
        &self,
        work: impl FnOnce(&CommittedRecords) -> Result<T, EmbeddedError>,
    ) -> Result<T, EmbeddedError> {
        self.with_open(|open| work(&open.committed.load()))
    }

    fn with_open<T>(
        &self,
        work: impl FnOnce(&OpenDatabase) -> Result<T, EmbeddedError>,
    ) -> Result<T, EmbeddedError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        work(database.as_ref().ok_or_else(|| EmbeddedError::Closed("not open".to_owned()))?)
    }

    pub(super) fn commit(&self, batch: &[WriteJob]) -> Result<Vec<WriteOutcome>, EmbeddedError> {
        if self.database.read().unwrap_or_else(PoisonError::into_inner).is_none() {
            self.open()?;
        }
        let (outcomes, shown) = self.with_open(|open| {
            let transaction = open.database.begin_write()?;
            let mut tables = WriteTables::open(&transaction)?;
            let decided = batch.iter().map(|job| decide(&mut tables, job));
            let outcomes = decided.collect::<Result<Vec<_>, EmbeddedError>>()?;
            // A batch without changes was read from durable commits and needs no commit.
            if !tables.finish()? {
                transaction.abort()?;
                return Ok((outcomes, Ok(())));
            }
            transaction.commit()?;
            // Before the answers: each caller reads its own write.
            Ok((outcomes, open.refresh()))
        })?;
        if let Err(failure) = shown {
            // The batch is durable, so its operations hold. Readers must not see the state before it.
            self.reopen(&failure);
        }
        Ok(outcomes)
    }

    /// Reopens the file after an error of it.
    fn recover(&self, failure: &EmbeddedError) {
        if matches!(failure, EmbeddedError::File(_)) {
            self.reopen(failure);
        }
    }

    /// Reopens the file. redb requires that after an error, and it also rolls back incomplete
    /// writes.
    pub(super) fn reopen(&self, failure: &EmbeddedError) {
        tracing::error!(error = %failure, "the store's file failed; reopening it");
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
        if let Err(error) = self.open() {
            tracing::error!(%error, "could not reopen the store's file; the next write retries");
        }
    }

    fn open(&self) -> Result<(), EmbeddedError> {
        let opened = self.file.open();
        let (database, incarnation) =
            opened.map_err(|error| EmbeddedError::Closed(error.to_string()))?;
        if incarnation != self.incarnation {
            return Err(EmbeddedError::Closed(
                "was replaced; restart to use the new file".to_owned(),
            ));
        }
        let database = OpenDatabase::new(database)?;
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = Some(database);
        Ok(())
    }
}

fn decide(tables: &mut WriteTables<'_>, job: &WriteJob) -> Result<WriteOutcome, EmbeddedError> {
    Ok(match &job.operation {
        WriteOperation::Insert(record) => WriteOutcome::Done(tables.insert(record, job.now)?),
        WriteOperation::Take(key) => WriteOutcome::Taken(tables.take(key, job.now)?),
        WriteOperation::Swap(version, record) => {
            WriteOutcome::Done(tables.swap(*version, record, job.now)?)
        }
        WriteOperation::Purge(limit) => WriteOutcome::Purged(tables.purge(*limit, job.now)?),
    })
}

pub(super) fn writer_unavailable(why: &str) -> StoreError {
    StoreError::Unavailable(ErrorCause::new(why))
}

#[cfg(test)]
mod tests {
    use super::nearly_all;

    #[test]
    fn a_commit_waits_while_more_than_a_quarter_of_requests_may_still_write() {
        for (waiting, at_work, enough) in [
            (0, 0, true),
            (1, 1, true),
            (0, 1, false),
            (11, 16, false),
            (12, 16, true),
            (1, 0, true),
        ] {
            assert_eq!(nearly_all(waiting, at_work), enough, "{waiting} of {at_work}");
        }
    }
}
