//! Signing off the threads that drive connections: an RSA signature takes 360 µs of a core.

use std::{iter, sync::Arc, thread};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::oneshot;

use super::{
    material::InvalidKey,
    ring::{JwtType, SigningKey},
};
use crate::model::SigningAlgorithm;

/// Jobs that may wait: 0.4 s of one core, or twice that.
const QUEUE_LEN: usize = 1024;

/// Jobs that a thread does before it tells of them. Where connections and signatures share a
/// core, every telling is two switches between threads, which cost a tenth of a signature.
const BATCH_SIZE: usize = 8;

/// Why nothing was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// More is asked for than can be signed: worth another try in a moment.
    #[error("too many signatures are waiting")]
    Busy,
    /// The key does not sign.
    #[error("the key cannot sign")]
    Unusable,
}

/// Makes signatures; then tells whoever asked, unless they have gone and nothing was made.
type Job = Box<dyn FnOnce() -> Option<SignatureSender> + Send>;
type SignatureSender = Box<dyn FnOnce() + Send>;

/// A bounded number of threads that make RSA signatures; others are made in place (22 µs).
#[derive(Clone, Debug)]
pub struct Signer {
    jobs: Sender<Job>,
}

impl Signer {
    /// Starts the threads; they end with the last clone.
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

    /// Signs claims, and then those that `claims` makes of that token: an ID token names the access
    /// token that it comes with. One thread makes both, since each change of threads costs.
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
        // A fair share of what waits; nothing waits for more to come.
        let share = (queue.len() / threads).min(BATCH_SIZE - 1);
        made.extend(iter::once(first).chain(queue.try_iter().take(share)).filter_map(|job| job()));
        for tell in made.drain(..) {
            tell();
        }
    }
}
