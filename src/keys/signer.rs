//! Signing off the threads that drive connections: an RSA signature takes 360 µs of a core.

use std::{iter, sync::Arc, thread};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::oneshot;

use super::{
    material::Unusable,
    ring::{JwtType, SigningKey},
};
use crate::model::SigningAlgorithm;

/// Signatures that may wait: 0.4 s of one core.
const QUEUE: usize = 1024;

/// Signatures that a thread makes before it tells of them. Where connections and signatures share a
/// core, every telling is two switches between threads, which cost a tenth of a signature.
const TOGETHER: usize = 8;

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

struct Job {
    key: Arc<SigningKey>,
    typ: JwtType,
    claims: Vec<u8>,
    done: oneshot::Sender<Result<String, Unusable>>,
}

/// A bounded number of threads that make RSA signatures; others are made in place (22 µs).
#[derive(Clone, Debug)]
pub struct Signer {
    jobs: Sender<Job>,
}

impl Signer {
    /// Starts the threads; they end with the last clone.
    pub fn new(threads: usize) -> Self {
        let (jobs, queue) = bounded(QUEUE);
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
        if key.algorithm != SigningAlgorithm::RS256 {
            return key.sign(typ, &claims).map_err(|_| SignError::Unusable);
        }
        let (done, result) = oneshot::channel();
        let job = Job { key: Arc::clone(key), typ, claims, done };
        match self.jobs.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(SignError::Busy),
            Err(TrySendError::Disconnected(_)) => return Err(SignError::Unusable),
        }
        match result.await {
            Ok(Ok(token)) => Ok(token),
            Ok(Err(Unusable)) | Err(_) => Err(SignError::Unusable),
        }
    }
}

fn work(queue: &Receiver<Job>, threads: usize) {
    let mut signed = Vec::with_capacity(TOGETHER);
    for first in queue {
        // A fair share of what waits; nothing waits for more to come.
        let share = (queue.len() / threads).min(TOGETHER - 1);
        for job in iter::once(first).chain(queue.try_iter().take(share)) {
            // Whoever asked may have gone: then nothing needs signing.
            if !job.done.is_closed() {
                signed.push((job.done, job.key.sign(job.typ, &job.claims)));
            }
        }
        for (done, token) in signed.drain(..) {
            let _ = done.send(token);
        }
    }
}
