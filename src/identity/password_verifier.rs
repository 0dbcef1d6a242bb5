//! Threads that check passwords: few and their own, so that sign-ins cannot take the threads, the
//! memory or the time of everything else.

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

use crate::model::{Secret, StoredPassword, User};

use super::{hash::Argon2Memory, password_hash};

/// Bytes of a password; a longer one is wrong.
pub const MAX_PASSWORD_LEN: usize = 1024;

/// Checks that take more memory run one at a time.
const COSTLY_MEMORY_KIB: u64 = 32 * 1024;

/// How long a thread that has nothing to do keeps the memory of its last check.
const MEMORY_KEEP_ALIVE: Duration = Duration::from_secs(2);

/// As many checks as the pool takes are waiting: answer 503 and `Retry-After`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many people are signing in at the moment; try again in a few seconds")]
pub struct PasswordQueueFull;

/// A bounded number of threads behind a bounded queue. Threads end when the pool is dropped.
pub struct PasswordVerifier {
    jobs: Sender<Job>,
    waiting: Arc<AtomicUsize>,
}

struct Job {
    password: Option<StoredPassword>,
    /// Whether a match counts: not for a decoy's password.
    counts: bool,
    attempt: Secret<String>,
    answer: oneshot::Sender<bool>,
}

impl PasswordVerifier {
    /// A pool of `threads` (at least one), with at most `queue` checks waiting for them.
    ///
    /// # Panics
    /// If the system refuses a thread; pools are made when the program starts.
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

    /// Whether `attempt` is the password of `user`, who is there and not disabled. The same work is
    /// done in every case.
    pub async fn verify(
        &self,
        user: Option<&User>,
        attempt: Secret<String>,
    ) -> Result<bool, PasswordQueueFull> {
        self.verify_or_decoy(user, None, attempt).await
    }

    /// As `verify`; for want of a user with a password, `decoy` is checked in vain.
    pub async fn verify_or_decoy(
        &self,
        user: Option<&User>,
        decoy: Option<StoredPassword>,
        attempt: Secret<String>,
    ) -> Result<bool, PasswordQueueFull> {
        let own = user.and_then(|user| user.password.clone());
        let counts = own.is_some() && user.is_some_and(|user| !user.disabled);
        let (answer, answered) = oneshot::channel();
        let job = Job { password: own.or(decoy), counts, attempt, answer };
        // Counted first, or a fast thread would take it off before.
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if self.jobs.try_send(job).is_err() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(PasswordQueueFull);
        }
        answered.await.map_err(|_| PasswordQueueFull)
    }

    /// Checks that wait for a thread.
    pub fn queued(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for PasswordVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordPool").field("queued", &self.queued()).finish_non_exhaustive()
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
            // Nobody waits for the answer any more: the connection is gone.
            if job.answer.is_closed() {
                continue;
            }
            // A panic (in a library, on a hash it cannot take) must not cost the pool a thread.
            let check = AssertUnwindSafe(|| self.check(&job, &mut scratch));
            if let Ok(matches) = catch_unwind(check) {
                let _ = job.answer.send(matches && job.counts);
            }
        }
    }

    /// The next check. Memory is kept between checks that follow each other, and no longer.
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
        // Not kept: the threads' memory is bounded by the common size.
        let mut own = Argon2Memory::default();
        let scratch = if costly { &mut own } else { scratch };
        password_hash::matches(job.password.as_ref(), attempt, scratch) && short_enough
    }
}

#[cfg(test)]
mod tests;
