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
    tables::{Failure, Tables},
};
use crate::{
    model::Timestamp,
    store::{Key, Record, StoreError, Stored},
};

/// Operations of one commit at most: bounds what a failed commit fails, and its memory.
const LARGEST_BATCH: usize = 256;

/// A commit costs many times what a record in it does, so the writer rests between two of them
/// while callers are at work who may come to write: a millisecond for each record of the last
/// commit, and sixteen of them at most.
const REST: Duration = Duration::from_millis(1);
const MOST_RESTS: usize = 16;

/// What to do to the file.
pub(super) enum Operation {
    Insert(Record),
    Take(Key),
    Swap(u64, Record),
    Purge(usize),
}

/// What came of it.
pub(super) enum Outcome {
    Done(bool),
    Taken(Option<Stored>),
    Purged(usize),
}

/// An operation, the caller's present, and where the caller waits.
pub(super) struct Job {
    pub(super) operation: Operation,
    pub(super) now: Timestamp,
    pub(super) answer: oneshot::Sender<Result<Outcome, StoreError>>,
}

/// The database, absent while it is being reopened after an error.
pub(super) struct Shared {
    pub(super) database: RwLock<Option<Database>>,
    pub(super) file: StoreFile,
    pub(super) incarnation: String,
}

/// Works until every sender is gone.
pub(super) fn run(
    shared: &Arc<Shared>,
    mut jobs: mpsc::Receiver<Job>,
    at_work: impl Fn() -> usize,
) {
    let mut batch = Vec::with_capacity(LARGEST_BATCH);
    while jobs.blocking_recv_many(&mut batch, LARGEST_BATCH) > 0 {
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
        for _ in 0..last.min(MOST_RESTS) {
            thread::sleep(REST);
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

impl Shared {
    /// Does something with the database, if it is open.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        work(database.as_ref().ok_or_else(|| Failure::Closed("not open".to_owned()))?)
    }

    pub(super) fn commit(&self, batch: &[Job]) -> Result<Vec<Outcome>, Failure> {
        if self.database.read().unwrap_or_else(PoisonError::into_inner).is_none() {
            self.open()?;
        }
        self.with(|database| {
            let transaction = database.begin_write()?;
            let mut tables = Tables::open(&transaction)?;
            let decided = batch.iter().map(|job| decide(&mut tables, job));
            let outcomes = decided.collect::<Result<Vec<_>, Failure>>()?;
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
    fn recover(&self, failure: &Failure) {
        if !matches!(failure, Failure::File(_)) {
            return;
        }
        tracing::error!(%failure, "the store's file failed; opening it again");
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
        if let Err(failure) = self.open() {
            tracing::error!(%failure, "the store's file stays closed; the next write tries again");
        }
    }

    fn open(&self) -> Result<(), Failure> {
        let opened = self.file.open();
        let (database, incarnation) = opened.map_err(|error| Failure::Closed(error.to_string()))?;
        if incarnation != self.incarnation {
            return Err(Failure::Closed("exchanged; restart to use the new one".to_owned()));
        }
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = Some(database);
        Ok(())
    }
}

fn decide(tables: &mut Tables<'_>, job: &Job) -> Result<Outcome, Failure> {
    Ok(match &job.operation {
        Operation::Insert(record) => Outcome::Done(tables.insert(record, job.now)?),
        Operation::Take(key) => Outcome::Taken(tables.take(key, job.now)?),
        Operation::Swap(version, record) => Outcome::Done(tables.swap(*version, record, job.now)?),
        Operation::Purge(limit) => Outcome::Purged(tables.purge(*limit, job.now)?),
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
