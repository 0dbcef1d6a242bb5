//! Makes signing keys on separate threads, one for each core, with a lower priority than serving. An RSA key
//! takes about 70 ms of a core, and the keys of a thousand new tenants must not slow the requests of others.

use std::{num::NonZero, sync::OnceLock, thread};

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded, unbounded};
use rustix::process::setpriority_process;
use tokio::sync::oneshot;

use super::{
    generate::{GeneratedKey, generate_key},
    key_secret::KeyRecord,
    material::InvalidPrivateKey,
    rotation::NewKey,
};
use crate::model::SigningAlgorithm;

/// The nice value of the threads: a tenth of the share of a thread that serves.
const NICE: i32 = 10;

/// A job for the threads that make keys.
enum KeyOrder {
    /// A key to make, and the receiver of the result.
    Key(SigningAlgorithm, oneshot::Sender<Result<GeneratedKey, InvalidPrivateKey>>),
    /// A spare key was taken, so another one is to be made.
    Refill,
}

/// Makes signing keys. The threads start with the first key, because only the Lease holder needs them,
/// and stop when the value is dropped.
#[derive(Debug, Default)]
pub struct KeyMaker {
    spares: usize,
    threads: OnceLock<KeyThreads>,
}

#[derive(Debug)]
struct KeyThreads {
    orders: Sender<KeyOrder>,
    spares: Receiver<GeneratedKey>,
}

impl KeyMaker {
    /// Keeps some RSA keys ahead of need, so that a new tenant does not wait for its key.
    pub fn with_spares(spares: usize) -> Self {
        Self { spares, threads: OnceLock::new() }
    }

    /// The number of keys that are made at the same time.
    pub fn parallelism() -> usize {
        thread::available_parallelism().map_or(1, NonZero::get)
    }

    /// Makes a key, or takes one that was made ahead.
    pub async fn make(&self, new: NewKey) -> Result<KeyRecord, InvalidPrivateKey> {
        let threads = self.threads.get_or_init(|| KeyThreads::start(self.spares));
        if new.algorithm == SigningAlgorithm::RS256
            && let Ok(spare) = threads.spares.try_recv()
        {
            let _ = threads.orders.send(KeyOrder::Refill);
            return Ok(spare.with_times(new.times));
        }
        let (made, result) = oneshot::channel();
        threads.orders.send(KeyOrder::Key(new.algorithm, made)).map_err(|_| InvalidPrivateKey)?;
        Ok(result.await.map_err(|_| InvalidPrivateKey)??.with_times(new.times))
    }
}

impl KeyThreads {
    fn start(spares: usize) -> Self {
        let ((orders, queue), (ahead, spares)) = (unbounded(), bounded(spares));
        for number in 0..KeyMaker::parallelism() {
            let (queue, ahead) = (queue.clone(), ahead.clone());
            let started = thread::Builder::new()
                .name(format!("keys-{number}"))
                .spawn(move || make_ordered_keys(&queue, &ahead));
            started.expect("the system starts a thread");
        }
        Self { orders, spares }
    }
}

/// Makes ordered keys, and spare keys while there is no order.
fn make_ordered_keys(orders: &Receiver<KeyOrder>, spares: &Sender<GeneratedKey>) {
    // On Linux, this is the priority of the calling thread only. Without it, all else is the same.
    let _ = setpriority_process(None, NICE);
    loop {
        let order = match orders.try_recv() {
            Err(TryRecvError::Empty) if spares.is_full() => {
                orders.recv().map_err(|_| TryRecvError::Disconnected)
            }
            order => order,
        };
        match order {
            // The requester may have lost the Lease in the meantime.
            Ok(KeyOrder::Key(_, made)) if made.is_closed() => {}
            Ok(KeyOrder::Key(algorithm, made)) => drop(made.send(generate_key(algorithm))),
            Ok(KeyOrder::Refill) => {}
            Err(TryRecvError::Empty) => {
                if let Ok(spare) = generate_key(SigningAlgorithm::RS256) {
                    let _ = spares.try_send(spare);
                }
            }
            Err(TryRecvError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use super::*;
    use crate::{keys::KeyTimes, model::Timestamp};

    fn new(algorithm: SigningAlgorithm) -> NewKey {
        let now = Timestamp::from_secs(1_800_000_000);
        let times = KeyTimes { published_at: now, signs_from: now, retire_at: None };
        NewKey { algorithm, times }
    }

    #[tokio::test]
    async fn keys_are_made_of_the_algorithm_and_differ() {
        let maker = KeyMaker::default();
        for algorithm in SigningAlgorithm::ALL {
            let made = [maker.make(new(algorithm)).await, maker.make(new(algorithm)).await];
            let made = made.map(|key| key.expect("made"));
            assert!(made.iter().all(|key| key.algorithm == algorithm));
            assert_eq!(made[0].times, new(algorithm).times);
            assert_ne!(made[0].kid, made[1].kid);
        }
    }

    /// The nice values of this process's threads that make keys.
    #[cfg(target_os = "linux")]
    fn nice_values() -> Vec<i32> {
        let tasks = std::fs::read_dir("/proc/self/task").expect("readable");
        let stats = tasks.filter_map(|task| {
            std::fs::read_to_string(task.expect("a thread").path().join("stat")).ok()
        });
        let nice = |stat: &str| {
            let (name, fields) = stat.rsplit_once(") ")?;
            // The 19th field of proc(5); the state after the name is the third.
            let nice = fields.split(' ').nth(16)?;
            name.contains("(keys-").then(|| nice.parse().expect("a number"))
        };
        stats.filter_map(|stat| nice(&stat)).collect()
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn keys_are_made_below_the_priority_of_serving() {
        let maker = KeyMaker::default();
        maker.make(new(SigningAlgorithm::ES256)).await.expect("made");
        let mut found = nice_values();
        // A thread sets its priority when it starts.
        for _ in 0..600 {
            if found.len() >= KeyMaker::parallelism() && found.iter().all(|nice| *nice == NICE) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            found = nice_values();
        }
        panic!("{found:?}");
    }

    #[tokio::test]
    async fn spare_keys_are_given_once_and_made_again() {
        let maker = KeyMaker::with_spares(2);
        let mut given = BTreeSet::new();
        for _ in 0..3 {
            given.insert(maker.make(new(SigningAlgorithm::RS256)).await.expect("made").kid);
            let threads = maker.threads.get().expect("started");
            for _ in 0..600 {
                if threads.spares.is_full() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            assert!(threads.spares.is_full(), "the spares are made while nothing is ordered");
        }
        assert_eq!(given.len(), 3);
    }
}
