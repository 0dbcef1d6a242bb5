//! Verifies passwords on a few dedicated threads, so that sign-ins cannot use up the threads,
//! memory or CPU time of other work.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use tokio::sync::oneshot;

use crate::model::{Account, MAX_PASSWORD_LEN, Secret, StoredPassword};

use super::{hash::Argon2Memory, password_hash};

/// Checks that need more memory than this run one at a time.
const COSTLY_MEMORY_KIB: u64 = 32 * 1024;

/// How long an idle thread keeps the memory of its last check.
const MEMORY_KEEP_ALIVE: Duration = Duration::from_secs(2);

/// The queue is full. The response is 503 with `Retry-After`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many sign-ins at the moment; try again in a few seconds")]
pub struct PasswordQueueFull;

/// A bounded pool of threads with a bounded queue. The threads stop when the pool is dropped.
pub struct PasswordVerifier {
    jobs: Sender<Job>,
    waiting: Arc<AtomicUsize>,
}

struct Job {
    password: Option<StoredPassword>,
    /// Whether a match counts. False if the password is a decoy.
    counts: bool,
    attempt: Secret<String>,
    answer: oneshot::Sender<bool>,
}

impl PasswordVerifier {
    /// Creates a pool of `threads` (at least one) with a queue of at most `queue` checks.
    ///
    /// # Panics
    /// Panics if the system cannot start a thread. Pools are created at startup.
    pub fn new(threads: usize, queue: usize) -> Self {
        let (jobs, receiver) = bounded(queue.max(1));
        let costly = Arc::new(Mutex::new(()));
        let waiting = Arc::new(AtomicUsize::new(0));
        for _ in 0..threads.max(1) {
            let worker = Worker {
                jobs: receiver.clone(),
                costly: Arc::clone(&costly),
                waiting: Arc::clone(&waiting),
            };
            thread::Builder::new()
                .name("passwords".to_owned())
                .spawn(move || worker.run())
                .expect("the system gives threads at the start");
        }
        Self { jobs, waiting }
    }

    /// Returns true if `attempt` is the password `own` of an enabled account. Otherwise the same
    /// work is done with `decoy`, or with a hash of the default cost.
    pub async fn verify(
        &self,
        account: Option<&Account>,
        (own, decoy): (Option<StoredPassword>, Option<StoredPassword>),
        attempt: Secret<String>,
    ) -> Result<bool, PasswordQueueFull> {
        let counts = own.is_some() && account.is_some_and(|account| !account.disabled);
        let (answer, answered) = oneshot::channel();
        let job = Job { password: own.or(decoy), counts, attempt, answer };
        // Count before sending: a worker could otherwise subtract first.
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if self.jobs.try_send(job).is_err() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(PasswordQueueFull);
        }
        answered.await.map_err(|_| PasswordQueueFull)
    }

    /// The number of checks waiting for a thread.
    pub fn queued(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for PasswordVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordVerifier").field("queued", &self.queued()).finish_non_exhaustive()
    }
}

struct Worker {
    jobs: Receiver<Job>,
    costly: Arc<Mutex<()>>,
    waiting: Arc<AtomicUsize>,
}

impl Worker {
    fn run(self) {
        let mut scratch = Argon2Memory::default();
        while let Some(job) = self.next(&mut scratch) {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            // The caller stopped waiting because its connection was closed.
            if job.answer.is_closed() {
                continue;
            }
            // A panic in a hash library must not stop the thread.
            let check = AssertUnwindSafe(|| self.check(&job, &mut scratch));
            if let Ok(matches) = catch_unwind(check) {
                let _ = job.answer.send(matches && job.counts);
            }
        }
    }

    /// Returns the next check. Memory is kept only between consecutive checks.
    fn next(&self, scratch: &mut Argon2Memory) -> Option<Job> {
        if !scratch.is_empty() {
            match self.jobs.recv_timeout(MEMORY_KEEP_ALIVE) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => *scratch = Argon2Memory::default(),
            }
        }
        self.jobs.recv().ok()
    }

    fn check(&self, job: &Job, scratch: &mut Argon2Memory) -> bool {
        let attempt = job.attempt.expose().as_bytes();
        let short_enough = attempt.len() <= MAX_PASSWORD_LEN;
        let attempt = &attempt[..attempt.len().min(MAX_PASSWORD_LEN)];
        let memory = job.password.as_ref().map_or(0, password_hash::memory_kib);
        let costly = memory > COSTLY_MEMORY_KIB;
        let _alone = costly.then(|| self.costly.lock().unwrap_or_else(PoisonError::into_inner));
        // Large memory is not reused, so that each thread keeps at most the common size.
        let mut own = Argon2Memory::default();
        let scratch = if costly { &mut own } else { scratch };
        password_hash::matches(job.password.as_ref(), attempt, scratch) && short_enough
    }
}

#[cfg(test)]
mod tests;
