//! Threads that check passwords: few and their own, so that sign-ins cannot take the threads, the
//! memory or the time of everything else.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use tokio::sync::oneshot;

use crate::model::{Secret, StoredPassword, User};

use super::stored;

/// Bytes of a password; a longer one is wrong.
pub const LONGEST_PASSWORD: usize = 1024;

/// Checks that take more memory run one at a time.
const COSTLY_MEMORY_KIB: u64 = 32 * 1024;

/// As many checks as the pool takes are waiting: answer 503 and `Retry-After`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many people are signing in at the moment; try again in a few seconds")]
pub struct Busy;

/// A bounded number of threads behind a bounded queue. Threads end when the pool is dropped.
pub struct PasswordPool {
    jobs: SyncSender<Job>,
    waiting: Arc<AtomicUsize>,
}

struct Job {
    password: Option<StoredPassword>,
    /// Whether a match counts: not for a decoy's password.
    counts: bool,
    attempt: Secret<String>,
    answer: oneshot::Sender<bool>,
}

impl PasswordPool {
    /// A pool of `threads` (at least one), with at most `queue` checks waiting for them.
    ///
    /// # Panics
    /// If the system refuses a thread; pools are made when the program starts.
    pub fn new(threads: usize, queue: usize) -> Self {
        let (jobs, receiver) = sync_channel(queue.max(1));
        let receiver = Arc::new(Mutex::new(receiver));
        let costly = Arc::new(Mutex::new(()));
        let waiting = Arc::new(AtomicUsize::new(0));
        for _ in 0..threads.max(1) {
            let worker = Worker {
                jobs: Arc::clone(&receiver),
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

    /// Whether `attempt` is the password of `user`, who is there and not disabled. The same work is
    /// done in every case.
    pub async fn verify(&self, user: Option<&User>, attempt: Secret<String>) -> Result<bool, Busy> {
        self.verify_or_decoy(user, None, attempt).await
    }

    /// As `verify`; for want of a user with a password, `decoy` is checked in vain.
    pub async fn verify_or_decoy(
        &self,
        user: Option<&User>,
        decoy: Option<StoredPassword>,
        attempt: Secret<String>,
    ) -> Result<bool, Busy> {
        let own = user.and_then(|user| user.password.clone());
        let counts = own.is_some() && user.is_some_and(|user| !user.disabled);
        let (answer, answered) = oneshot::channel();
        let job = Job { password: own.or(decoy), counts, attempt, answer };
        // Counted first, or a fast thread would take it off before.
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if self.jobs.try_send(job).is_err() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Busy);
        }
        answered.await.map_err(|_| Busy)
    }

    /// Checks that wait for a thread.
    pub fn queued(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for PasswordPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordPool").field("queued", &self.queued()).finish_non_exhaustive()
    }
}

struct Worker {
    jobs: Arc<Mutex<Receiver<Job>>>,
    costly: Arc<Mutex<()>>,
    waiting: Arc<AtomicUsize>,
}

impl Worker {
    fn run(self) {
        loop {
            let next = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = next else { return };
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            // Nobody waits for the answer any more: the connection is gone.
            if job.answer.is_closed() {
                continue;
            }
            // A panic (in a library, on a hash it cannot take) must not cost the pool a thread.
            if let Ok(matches) = catch_unwind(AssertUnwindSafe(|| self.check(&job))) {
                let _ = job.answer.send(matches && job.counts);
            }
        }
    }

    fn check(&self, job: &Job) -> bool {
        let attempt = job.attempt.expose().as_bytes();
        let short_enough = attempt.len() <= LONGEST_PASSWORD;
        let attempt = &attempt[..attempt.len().min(LONGEST_PASSWORD)];
        let memory = job.password.as_ref().map_or(0, stored::memory_kib);
        let _alone = (memory > COSTLY_MEMORY_KIB)
            .then(|| self.costly.lock().unwrap_or_else(PoisonError::into_inner));
        stored::matches(job.password.as_ref(), attempt) && short_enough
    }
}

#[cfg(test)]
mod tests;
