//! The one writer: drains a queue, decides each operation inside the batch's transaction, commits
//! once for all of them, and answers only then. A batch that fails fails all in it.

use std::{
    sync::{Arc, PoisonError, RwLock},
    thread,
    time::Duration,
};

use redb::Database;
use tokio::sync::{mpsc, oneshot};

use super::{
    file::StoreFile,
    tables::{EmbeddedError, OpenTables},
};
use crate::{
    model::Timestamp,
    store::{Record, RecordKey, StoreError, VersionedRecord},
};

/// Operations of one commit at most: bounds what a failed commit fails, and its memory.
const MAX_BATCH_SIZE: usize = 256;

/// A commit costs many times what a record in it does, so the writer rests between two of them
/// while callers are at work who may come to write: a millisecond for each record of the last
/// commit, and sixteen of them at most.
const COMMIT_REST: Duration = Duration::from_millis(1);
const MAX_COMMIT_RESTS: usize = 16;

/// What to do to the file.
pub(super) enum WriteOperation {
    Insert(Record),
    Take(RecordKey),
    Swap(u64, Record),
    Purge(usize),
}

/// What came of it.
pub(super) enum WriteOutcome {
    Done(bool),
    Taken(Option<VersionedRecord>),
    Purged(usize),
}

/// An operation, the caller's present, and where the caller waits.
pub(super) struct WriteJob {
    pub(super) operation: WriteOperation,
    pub(super) now: Timestamp,
    pub(super) answer: oneshot::Sender<Result<WriteOutcome, StoreError>>,
}

/// The database, absent while it is being reopened after an error.
pub(super) struct SharedDatabase {
    pub(super) database: RwLock<Option<Database>>,
    pub(super) file: StoreFile,
    pub(super) incarnation: String,
}

/// Works until every sender is gone.
pub(super) fn run(
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
                    // A caller that went away does not undo what it asked for.
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
        for _ in 0..last.min(MAX_COMMIT_RESTS) {
            thread::sleep(COMMIT_REST);
            if nearly_all(jobs.len(), at_work()) {
                break;
            }
        }
    }
}

/// Whether so few others are at work that those who wait need not wait for them: three quarters, so
/// that what the last ones do falls into the time that the disk takes.
const fn nearly_all(waiting: usize, at_work: usize) -> bool {
    waiting * 4 >= at_work * 3
}

impl SharedDatabase {
    /// Does something with the database, if it is open.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, EmbeddedError>,
    ) -> Result<T, EmbeddedError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        work(database.as_ref().ok_or_else(|| EmbeddedError::Closed("not open".to_owned()))?)
    }

    pub(super) fn commit(&self, batch: &[WriteJob]) -> Result<Vec<WriteOutcome>, EmbeddedError> {
        if self.database.read().unwrap_or_else(PoisonError::into_inner).is_none() {
            self.open()?;
        }
        self.with(|database| {
            let transaction = database.begin_write()?;
            let mut tables = OpenTables::open(&transaction)?;
            let decided = batch.iter().map(|job| decide(&mut tables, job));
            let outcomes = decided.collect::<Result<Vec<_>, EmbeddedError>>()?;
            let changed = tables.changed();
            drop(tables);
            // What changed nothing was read from durable commits, and needs none.
            if changed {
                transaction.commit()?;
            } else {
                transaction.abort()?;
            }
            Ok(outcomes)
        })
    }

    /// After an error redb wants its file opened anew, which also undoes what was half written.
    fn recover(&self, failure: &EmbeddedError) {
        if !matches!(failure, EmbeddedError::File(_)) {
            return;
        }
        tracing::error!(%failure, "the store's file failed; opening it again");
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
        if let Err(failure) = self.open() {
            tracing::error!(%failure, "the store's file stays closed; the next write tries again");
        }
    }

    fn open(&self) -> Result<(), EmbeddedError> {
        let opened = self.file.open();
        let (database, incarnation) =
            opened.map_err(|error| EmbeddedError::Closed(error.to_string()))?;
        if incarnation != self.incarnation {
            return Err(EmbeddedError::Closed("exchanged; restart to use the new one".to_owned()));
        }
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = Some(database);
        Ok(())
    }
}

fn decide(tables: &mut OpenTables<'_>, job: &WriteJob) -> Result<WriteOutcome, EmbeddedError> {
    Ok(match &job.operation {
        WriteOperation::Insert(record) => WriteOutcome::Done(tables.insert(record, job.now)?),
        WriteOperation::Take(key) => WriteOutcome::Taken(tables.take(key, job.now)?),
        WriteOperation::Swap(version, record) => {
            WriteOutcome::Done(tables.swap(*version, record, job.now)?)
        }
        WriteOperation::Purge(limit) => WriteOutcome::Purged(tables.purge(*limit, job.now)?),
    })
}

pub(super) fn unavailable(why: &str) -> StoreError {
    StoreError::Unavailable(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::nearly_all;

    #[test]
    fn a_commit_waits_while_more_than_a_quarter_of_those_at_work_may_still_come() {
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
