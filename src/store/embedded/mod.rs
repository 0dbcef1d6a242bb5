//! The store of `dev` and of a single replica on a volume: one redb file with group commit. An
//! acknowledged write is on disk. Writers that arrive during a commit share the next one. All reads between
//! two commits are of the same state.
//!
//! Must not: return data that is not durable, or replace a file that it cannot read.

mod file;
mod read;
mod space;
mod tables;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    fmt,
    ops::RangeInclusive,
    path::Path,
    sync::{Arc, RwLock},
    thread::{self, JoinHandle},
    time::Duration,
};

use async_trait::async_trait;
use redb::ReadTransaction;
use tokio::sync::{mpsc, oneshot};

use super::{
    CLOCK_SKEW, DueRecords, IndexEntry, Record, RecordKey, RecordKind, Store, StoreError,
    StoreState, VersionedRecord,
};
use crate::model::{Entropy, TenantId, Timestamp};

use file::StoreFile;
pub use file::StoreFileError;
use space::VolumeSize;
use tables::{EmbeddedError, live_record};
use writer::{
    OpenDatabase, SharedDatabase, WriteJob, WriteOperation, WriteOutcome, writer_unavailable,
};

/// Capacity of the write queue; callers beyond it wait for room.
const QUEUE_LEN: usize = 4096;
/// Limit of an operation including its wait, so a disk that hangs does not block requests forever.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// A store in one redb file.
pub struct EmbeddedStore {
    shared: Arc<SharedDatabase>,
    volume: VolumeSize,
    jobs: Option<mpsc::Sender<WriteJob>>,
    writer: Option<JoinHandle<()>>,
}

impl EmbeddedStore {
    /// Opens the file at `path`, or creates an empty one with a new incarnation. Reads the whole
    /// file, which takes seconds per gigabyte. `at_work` returns the number of requests in flight,
    /// which may still write: they share a commit.
    pub fn open(
        path: &Path,
        entropy: &dyn Entropy,
        at_work: impl Fn() -> usize + Send + 'static,
    ) -> Result<Self, StoreFileError> {
        let file = StoreFile::lock(path, entropy)?;
        let (database, incarnation) = file.open()?;
        let database =
            OpenDatabase::new(database).map_err(|failure| file.classify_error(failure))?;
        let database = RwLock::new(Some(database));
        let shared = Arc::new(SharedDatabase { database, file, incarnation });
        let (jobs, queue) = mpsc::channel(QUEUE_LEN);
        let its = Arc::clone(&shared);
        let writer = thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer::run_writer(&its, queue, at_work))
            .map_err(|error| StoreFileError::System { path: path.to_owned(), error })?;
        Ok(Self { shared, volume: VolumeSize::default(), jobs: Some(jobs), writer: Some(writer) })
    }

    async fn submit(
        &self,
        operation: WriteOperation,
        now: Timestamp,
    ) -> Result<WriteOutcome, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job = WriteJob { operation, now, answer };
        let jobs = self.jobs.as_ref().expect("only drop takes it");
        let answering = async {
            jobs.send(job).await.ok()?;
            answered.await.ok()
        };
        let outcome = tokio::time::timeout(WRITE_TIMEOUT, answering).await;
        let outcome = outcome.map_err(|_| writer_unavailable("its disk did not answer in time"))?;
        outcome.ok_or_else(|| writer_unavailable("its writer has ended"))?
    }

    /// Reads an index of the last commit.
    async fn walk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<T, EmbeddedError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.read(move |shared| shared.with_committed(|last| work(&last.transaction))).await
    }

    /// Reads on a thread that may wait for the disk.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&SharedDatabase) -> Result<T, EmbeddedError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        let read = tokio::task::spawn_blocking(move || work(&shared)).await;
        Ok(read.map_err(|_| writer_unavailable("its reader has ended"))??)
    }

    async fn change(&self, operation: WriteOperation, now: Timestamp) -> Result<bool, StoreError> {
        Ok(matches!(self.submit(operation, now).await?, WriteOutcome::Done(true)))
    }
}

impl Drop for EmbeddedStore {
    /// Waits for queued operations, then closes the file.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    async fn insert(&self, record: Record, now: Timestamp) -> Result<bool, StoreError> {
        record.check_size()?;
        self.change(WriteOperation::Insert(record), now).await
    }

    /// Runs on the caller's thread: it reads a few pages, which are nearly always cached.
    async fn get(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError> {
        Ok(self.shared.with_committed(|last| live_record(&last.records, key, now))?)
    }

    async fn take(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError> {
        match self.submit(WriteOperation::Take(key.clone()), now).await? {
            WriteOutcome::Taken(found) => Ok(found),
            WriteOutcome::Done(_) | WriteOutcome::Purged(_) => Ok(None),
        }
    }

    async fn compare_and_swap(
        &self,
        version: u64,
        record: Record,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        record.check_size()?;
        self.change(WriteOperation::Swap(version, record), now).await
    }

    async fn list(
        &self,
        kind: RecordKind,
        tenant: &TenantId,
        owner: &IndexEntry,
        now: Timestamp,
    ) -> Result<Vec<VersionedRecord>, StoreError> {
        let (tenant, owner) = (tenant.clone(), owner.clone());
        self.walk(move |transaction| read::list_records(transaction, (kind, &tenant), &owner, now))
            .await
    }

    async fn list_due(
        &self,
        kind: RecordKind,
        due: RangeInclusive<Timestamp>,
        limit: usize,
        now: Timestamp,
    ) -> Result<DueRecords, StoreError> {
        self.walk(move |transaction| read::list_due(transaction, kind, due, limit, now)).await
    }

    async fn purge(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        match self.submit(WriteOperation::Purge(limit), now.minus(CLOCK_SKEW)).await? {
            WriteOutcome::Purged(count) => Ok(count),
            WriteOutcome::Done(_) | WriteOutcome::Taken(_) => Ok(0),
        }
    }

    async fn state(&self) -> Result<StoreState, StoreError> {
        self.shared.with(|_| Ok(()))?;
        Ok(StoreState { incarnation: self.shared.incarnation.clone(), time: None })
    }

    async fn incarnation(&self) -> Result<String, StoreError> {
        Ok(self.shared.incarnation.clone())
    }
}
