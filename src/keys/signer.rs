//! Signs on dedicated threads instead of those that drive connections: an RSA signature takes 360
//! µs of CPU time.

use std::{
    fmt, iter,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use tokio::sync::oneshot;

use super::{
    client_jws::{JwsError, PublicKeys},
    jwt_type::JwtType,
    material::InvalidPrivateKey,
    signature_queue::SignatureQueue,
    signing_key::SigningKey,
};
/// Maximum number of queued jobs, about 0.4 s of one core (0.8 s if each signs two tokens).
const QUEUE_LEN: usize = 1024;

/// Jobs that a thread finishes before it sends their results. If connections and signatures share a
/// core, each send costs two context switches, a tenth of the time of a signature.
const BATCH_SIZE: usize = 8;

/// The reason nothing was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// The queue is full. Retrying later can succeed.
    #[error("too many signatures are waiting")]
    Busy,
    /// The key cannot sign with its algorithm. Retrying does not help.
    #[error("the key cannot sign")]
    Unusable,
}

/// A job makes a signature and returns a closure that sends it. It returns `None` if the requester
/// stopped waiting.
type SignatureJob = Box<dyn FnOnce() -> Option<SignatureSender> + Send>;
type SignatureSender = Box<dyn FnOnce() + Send>;

/// A bounded pool of threads for RSA signatures, and for those of other issuers that are to be verified,
/// shared fairly between keys. Other algorithms sign on the calling thread (22 µs).
#[derive(Clone)]
pub struct Signer {
    pool: Arc<SignerPool>,
}

/// Stops the threads when it is dropped.
struct SignerPool(Arc<SignerQueue>);

struct SignerQueue {
    state: Mutex<SignerState>,
    /// Notified when a job was added, or the pool is closed.
    added: Condvar,
}

struct SignerState {
    jobs: SignatureQueue<SignatureJob>,
    is_closed: bool,
}

impl SignerQueue {
    fn state(&self) -> MutexGuard<'_, SignerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SignerPool {
    fn drop(&mut self) {
        self.0.state().is_closed = true;
        self.0.added.notify_all();
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queued = self.pool.0.state().jobs.len();
        f.debug_struct("Signer").field("queued", &queued).finish_non_exhaustive()
    }
}

impl Signer {
    /// Starts the threads. They stop when the last clone is dropped.
    pub fn new(threads: usize) -> Self {
        let state = SignerState { jobs: SignatureQueue::new(QUEUE_LEN), is_closed: false };
        let pool = Arc::new(SignerQueue { state: Mutex::new(state), added: Condvar::new() });
        let threads = threads.max(1);
        for number in 0..threads {
            let pool = Arc::clone(&pool);
            thread::Builder::new()
                .name(format!("sign-{number}"))
                .spawn(move || run_signature_jobs(&pool, threads))
                .expect("the system starts a thread at start-up");
        }
        Self { pool: Arc::new(SignerPool(pool)) }
    }

    /// Signs claims (JSON) with the header of the type, and returns a compact JWS.
    pub async fn sign(
        &self,
        key: &Arc<SigningKey>,
        typ: JwtType,
        claims: Vec<u8>,
    ) -> Result<String, SigningError> {
        let own = Arc::clone(key);
        let turn = Arc::as_ptr(key).addr();
        self.make(turn, is_costly(key), move || own.sign(typ, &claims)).await
    }

    /// Signs claims, then signs the claims that `claims` derives from the first token: an ID token
    /// contains the hash of its access token. One job signs both, because each thread switch costs
    /// time.
    pub async fn sign_both(
        &self,
        first: (&Arc<SigningKey>, JwtType, Vec<u8>),
        second: (&Arc<SigningKey>, JwtType),
        claims: impl FnOnce(&str) -> Vec<u8> + Send + 'static,
    ) -> Result<(String, String), SigningError> {
        let costly = is_costly(first.0) || is_costly(second.0);
        let turn = Arc::as_ptr(first.0).addr();
        let (first, second) =
            ((Arc::clone(first.0), first.1, first.2), (second.0.clone(), second.1));
        let work = move || {
            let token = first.0.sign(first.1, &first.2)?;
            let other = second.0.sign(second.1, &claims(&token))?;
            Ok((token, other))
        };
        self.make(turn, costly, work).await
    }

    /// Verifies an RSA signature by public keys. A check takes 20 µs, or twenty times as long with the
    /// largest keys, which strangers may cause and others choose.
    pub(super) async fn verify(
        &self,
        keys: &Arc<PublicKeys>,
        work: impl FnOnce() -> Result<(), JwsError> + Send + 'static,
    ) -> Result<Result<(), JwsError>, SigningError> {
        self.make(Arc::as_ptr(keys).addr(), true, move || Ok(work())).await
    }

    /// `turn`: the address of the key, between which the threads are shared.
    async fn make<T: Send + 'static>(
        &self,
        turn: usize,
        costly: bool,
        work: impl FnOnce() -> Result<T, InvalidPrivateKey> + Send + 'static,
    ) -> Result<T, SigningError> {
        if !costly {
            return work().map_err(|InvalidPrivateKey| SigningError::Unusable);
        }
        let (done, made) = oneshot::channel();
        let job: SignatureJob = Box::new(move || {
            if done.is_closed() {
                return None;
            }
            let made = work();
            Some(Box::new(move || drop(done.send(made))))
        });
        let pool = &self.pool.0;
        // A job that leaves a full queue is dropped, which its requester notices.
        let refused = pool.state().jobs.push(turn, job);
        pool.added.notify_one();
        drop(refused);
        match made.await {
            Ok(Ok(made)) => Ok(made),
            Ok(Err(InvalidPrivateKey)) => Err(SigningError::Unusable),
            Err(_) => Err(SigningError::Busy),
        }
    }
}

fn is_costly(key: &SigningKey) -> bool {
    key.algorithm.is_rsa()
}

fn run_signature_jobs(pool: &SignerQueue, threads: usize) {
    let mut made = Vec::with_capacity(BATCH_SIZE);
    while let Some(jobs) = next_jobs(pool, threads) {
        made.extend(jobs.into_iter().filter_map(|job| job()));
        for tell in made.drain(..) {
            tell();
        }
    }
}

/// Waits for a job, and takes a fair share of the queue without waiting for more. `None` once the
/// pool is closed.
fn next_jobs(pool: &SignerQueue, threads: usize) -> Option<Vec<SignatureJob>> {
    let idle = |state: &mut SignerState| state.jobs.len() == 0 && !state.is_closed;
    let waited = pool.added.wait_while(pool.state(), idle);
    let mut state = waited.unwrap_or_else(PoisonError::into_inner);
    let first = state.jobs.take()?;
    let share = (state.jobs.len() / threads).min(BATCH_SIZE - 1);
    let more = iter::from_fn(|| state.jobs.take()).take(share);
    Some(iter::once(first).chain(more).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keys::{KeyTimes, generate_key_record},
        model::{SigningAlgorithm, Timestamp},
    };

    fn key() -> Arc<SigningKey> {
        let at = Timestamp::from_secs(0);
        let times = KeyTimes { published_at: at, signs_from: at, retire_at: None };
        let record = generate_key_record(SigningAlgorithm::RS256, times).expect("a key");
        Arc::new(SigningKey::parse(&record).expect("usable"))
    }

    #[tokio::test]
    async fn a_flood_for_one_key_refuses_no_signature_of_another() {
        let (signer, flooded, other) = (Signer::new(1), key(), key());
        let claims = || b"{}".to_vec();
        let flood = (0..2 * QUEUE_LEN).map(|_| signer.sign(&flooded, JwtType::IdToken, claims()));
        let mut flood = Box::pin(futures::future::join_all(flood));
        assert!(futures::poll!(&mut flood).is_pending());
        let before = std::time::Instant::now();
        signer.sign(&other, JwtType::IdToken, claims()).await.expect("its turn");
        let own = before.elapsed();
        let flood = flood.await;
        assert!(own < before.elapsed() / 4, "{own:?}");
        let refused = flood.iter().filter(|signed| **signed == Err(SigningError::Busy)).count();
        assert!((1..=QUEUE_LEN + 1).contains(&refused), "{refused}");
    }
}
