//! Signs on dedicated threads instead of those that drive connections: an RSA signature takes 360
//! µs of CPU time.

use std::{iter, sync::Arc, thread};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::oneshot;

use super::{
    material::InvalidKey,
    ring::{JwtType, SigningKey},
};
use crate::model::SigningAlgorithm;

/// Maximum number of queued jobs, about 0.4 s of one core (0.8 s if each signs two tokens).
const QUEUE_LEN: usize = 1024;

/// Jobs that a thread finishes before it sends their results. If connections and signatures share a
/// core, each send costs two context switches, a tenth of the time of a signature.
const BATCH_SIZE: usize = 8;

/// The reason nothing was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The queue is full. Retrying later can succeed.
    #[error("too many signatures are waiting")]
    Busy,
    /// The key cannot sign.
    #[error("the key cannot sign")]
    Unusable,
}

/// A job makes a signature and returns a closure that sends it. It returns `None` if the requester
/// stopped waiting.
type Job = Box<dyn FnOnce() -> Option<SignatureSender> + Send>;
type SignatureSender = Box<dyn FnOnce() + Send>;

/// A bounded pool of threads for RSA signatures. Other algorithms sign on the calling thread (22
/// µs).
#[derive(Clone, Debug)]
pub struct Signer {
    jobs: Sender<Job>,
}

impl Signer {
    /// Starts the threads. They stop when the last clone is dropped.
    pub fn new(threads: usize) -> Self {
        let (jobs, queue) = bounded(QUEUE_LEN);
        let threads = threads.max(1);
        for number in 0..threads {
            let queue = queue.clone();
            thread::Builder::new()
                .name(format!("sign-{number}"))
                .spawn(move || work(&queue, threads))
                .expect("the system starts a thread at start-up");
        }
        Self { jobs }
    }

    /// Signs claims (JSON).
    pub async fn sign(
        &self,
        key: &Arc<SigningKey>,
        typ: JwtType,
        claims: Vec<u8>,
    ) -> Result<String, SignError> {
        let own = Arc::clone(key);
        self.make(is_costly(key), move || own.sign(typ, &claims)).await
    }

    /// Signs claims, then signs the claims that `claims` derives from the first token: an ID token
    /// contains the hash of its access token. One job signs both, because each thread switch costs
    /// time.
    pub async fn sign_both(
        &self,
        first: (&Arc<SigningKey>, JwtType, Vec<u8>),
        second: (&Arc<SigningKey>, JwtType),
        claims: impl FnOnce(&str) -> Vec<u8> + Send + 'static,
    ) -> Result<(String, String), SignError> {
        let costly = is_costly(first.0) || is_costly(second.0);
        let (first, second) =
            ((Arc::clone(first.0), first.1, first.2), (second.0.clone(), second.1));
        let work = move || {
            let token = first.0.sign(first.1, &first.2)?;
            let other = second.0.sign(second.1, &claims(&token))?;
            Ok((token, other))
        };
        self.make(costly, work).await
    }

    async fn make<T: Send + 'static>(
        &self,
        costly: bool,
        work: impl FnOnce() -> Result<T, InvalidKey> + Send + 'static,
    ) -> Result<T, SignError> {
        if !costly {
            return work().map_err(|InvalidKey| SignError::Unusable);
        }
        let (done, made) = oneshot::channel();
        let job: Job = Box::new(move || {
            if done.is_closed() {
                return None;
            }
            let made = work();
            Some(Box::new(move || drop(done.send(made))))
        });
        match self.jobs.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(SignError::Busy),
            Err(TrySendError::Disconnected(_)) => return Err(SignError::Unusable),
        }
        match made.await {
            Ok(Ok(made)) => Ok(made),
            Ok(Err(InvalidKey)) | Err(_) => Err(SignError::Unusable),
        }
    }
}

fn is_costly(key: &SigningKey) -> bool {
    key.algorithm == SigningAlgorithm::RS256
}

fn work(queue: &Receiver<Job>, threads: usize) {
    let mut made = Vec::with_capacity(BATCH_SIZE);
    for first in queue {
        // Take a fair share of the queue without waiting for more jobs.
        let share = (queue.len() / threads).min(BATCH_SIZE - 1);
        made.extend(iter::once(first).chain(queue.try_iter().take(share)).filter_map(|job| job()));
        for tell in made.drain(..) {
            tell();
        }
    }
}
