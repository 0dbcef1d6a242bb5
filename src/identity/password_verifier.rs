//! Verifies passwords on a few dedicated threads, so that sign-ins cannot use up the threads,
//! memory or CPU time of other work.

use std::{
    fmt,
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};

use crate::model::{Account, Entropy, MAX_PASSWORD_LEN, Secret, StoredPassword, TenantId};

use super::{
    check_queue::{CheckOrigins, PasswordCheckQueue, RunningCheck},
    hash::{Argon2Memory, SALT, hash_with_salt, new_password_salt},
    password_hash,
};

/// Checks that need more memory than this run one at a time.
const COSTLY_MEMORY_KIB: u64 = 32 * 1024;

/// How long an idle thread keeps the memory of its last check.
const MEMORY_KEEP_ALIVE: Duration = Duration::from_secs(2);

/// The queue is full. The response is 503 with `Retry-After`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many sign-ins at the moment; try again in a few seconds")]
pub struct PasswordQueueFull;

/// A bounded pool of threads with a bounded queue, shared fairly between tenants and addresses. The
/// threads stop when the pool is dropped.
pub struct PasswordVerifier {
    pool: Arc<VerifierQueue>,
    origins: CheckOrigins,
}

struct VerifierQueue {
    queue: Mutex<PoolQueue>,
    /// Notified when a check may be taken.
    added: Condvar,
}

struct PoolQueue {
    checks: PasswordCheckQueue<VerifierJob>,
    is_closed: bool,
}

/// A job of a verifier thread: checking a password, or hashing one.
enum VerifierJob {
    Check(Check),
    /// The hash of a password that a person chose.
    Hash {
        password: Secret<String>,
        salt: [u8; SALT],
        answer: oneshot::Sender<String>,
    },
}

struct Check {
    password: Option<StoredPassword>,
    /// Whether a match is accepted. False if the password is a decoy.
    counts: bool,
    attempt: Secret<String>,
    answer: oneshot::Sender<bool>,
}

impl Check {
    fn is_costly(&self) -> bool {
        let memory = self.password.as_ref().map_or(0, password_hash::memory_kib);
        memory > COSTLY_MEMORY_KIB
    }
}

impl VerifierJob {
    fn is_costly(&self) -> bool {
        matches!(self, Self::Check(check) if check.is_costly())
    }

    /// Does the work, unless its caller is gone. Returns true if it has found a right password.
    fn run(self, scratch: &mut Argon2Memory) -> bool {
        match self {
            // A closed answer means that the caller's connection was closed.
            Self::Check(it) if !it.answer.is_closed() => {
                let is_right = check(&it, scratch) && it.counts;
                let _ = it.answer.send(is_right);
                is_right
            }
            Self::Hash { password, salt, answer } if !answer.is_closed() => {
                let _ = answer.send(hash_with_salt(&password, salt));
                false
            }
            Self::Check(_) | Self::Hash { .. } => false,
        }
    }
}

impl VerifierQueue {
    fn queue(&self) -> MutexGuard<'_, PoolQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PasswordVerifier {
    /// Creates a pool of `threads` (at least one) with a queue of at most `queue` checks.
    ///
    /// # Panics
    /// Panics if the system cannot start a thread. Pools are created at startup.
    pub fn new(threads: usize, queue: usize) -> Self {
        let verifier = Self::without_threads(queue);
        for _ in 0..threads.max(1) {
            let worker = Worker { pool: Arc::clone(&verifier.pool) };
            thread::Builder::new()
                .name("passwords".to_owned())
                .spawn(move || worker.run())
                .expect("the system gives threads at the start");
        }
        verifier
    }

    fn without_threads(queue: usize) -> Self {
        let queue = PoolQueue { checks: PasswordCheckQueue::new(queue), is_closed: false };
        let pool = VerifierQueue { queue: Mutex::new(queue), added: Condvar::new() };
        Self { pool: Arc::new(pool), origins: CheckOrigins::default() }
    }

    /// Returns true if `attempt` is the password `own` of an enabled account. Otherwise the same
    /// work is done with `decoy`, or with a hash of the default cost.
    pub async fn verify(
        &self,
        (tenant, address): (&TenantId, IpAddr),
        account: Option<&Account>,
        (own, decoy): (Option<StoredPassword>, Option<StoredPassword>),
        attempt: Secret<String>,
    ) -> Result<bool, PasswordQueueFull> {
        let counts = own.is_some() && account.is_some_and(|account| !account.disabled);
        let (answer, answered) = oneshot::channel();
        let check = Check { password: own.or(decoy), counts, attempt, answer };
        self.push((tenant, address), VerifierJob::Check(check));
        answered.await.map_err(|_| PasswordQueueFull)
    }

    /// Returns an argon2id PHC string of a password that a person chose.
    pub async fn hash(
        &self,
        origin: (&TenantId, IpAddr),
        password: Secret<String>,
        entropy: &dyn Entropy,
    ) -> Result<String, PasswordQueueFull> {
        let (answer, answered) = oneshot::channel();
        self.push(origin, VerifierJob::Hash { password, salt: new_password_salt(entropy), answer });
        answered.await.map_err(|_| PasswordQueueFull)
    }

    fn push(&self, (tenant, address): (&TenantId, IpAddr), job: VerifierJob) {
        let (is_costly, origin) = (job.is_costly(), self.origins.origin(tenant, address));
        // The check that leaves a full queue is dropped, which its caller notices.
        let refused = self.pool.queue().checks.push(origin, is_costly, job);
        self.pool.added.notify_one();
        drop(refused);
    }

    /// The number of checks waiting for a thread.
    pub fn queued(&self) -> usize {
        self.pool.queue().checks.len()
    }
}

impl Drop for PasswordVerifier {
    fn drop(&mut self) {
        self.pool.queue().is_closed = true;
        self.pool.added.notify_all();
    }
}

impl fmt::Debug for PasswordVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordVerifier").field("queued", &self.queued()).finish_non_exhaustive()
    }
}

struct Worker {
    pool: Arc<VerifierQueue>,
}

impl Worker {
    fn run(self) {
        let mut scratch = Argon2Memory::default();
        while let Some((job, running)) = self.next(&mut scratch) {
            let started = Instant::now();
            // A panic in a hash library must not stop the thread.
            let work = AssertUnwindSafe(|| job.run(&mut scratch));
            let is_right = catch_unwind(work).unwrap_or(false);
            let ended = Instant::now();
            self.pool.queue().checks.finish(&running, (ended - started, is_right), ended);
            // A costly check that had to wait may run now.
            self.pool.added.notify_one();
        }
    }

    /// Returns the next check. Memory is kept only between consecutive checks.
    fn next(&self, scratch: &mut Argon2Memory) -> Option<(VerifierJob, RunningCheck)> {
        let mut queue = self.pool.queue();
        loop {
            if queue.is_closed {
                return None;
            }
            if let Some(next) = queue.checks.take(Instant::now()) {
                return Some(next);
            }
            let added = &self.pool.added;
            if scratch.is_empty() {
                queue = added.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let waited = added.wait_timeout(queue, MEMORY_KEEP_ALIVE);
            let (locked, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            queue = locked;
            if timeout.timed_out() {
                *scratch = Argon2Memory::default();
            }
        }
    }
}

fn check(job: &Check, scratch: &mut Argon2Memory) -> bool {
    let attempt = job.attempt.expose().as_bytes();
    let short_enough = attempt.len() <= MAX_PASSWORD_LEN;
    let attempt = &attempt[..attempt.len().min(MAX_PASSWORD_LEN)];
    // Large memory is not reused, so that each thread keeps at most the common size.
    let mut own = Argon2Memory::default();
    let scratch = if job.is_costly() { &mut own } else { scratch };
    password_hash::matches_password(job.password.as_ref(), attempt, scratch) && short_enough
}

#[cfg(test)]
mod tests;
