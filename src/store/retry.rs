//! What is tried again at a store over the network: what was refused before anything was done, and
//! lost connections, where doing it twice is doing it once.

use std::{pin::pin, time::Duration};

use super::{RecordKey, Store, StoreError};
use crate::model::{Entropy, Timestamp};

/// Tries of one operation.
const MAX_ATTEMPTS: u32 = 6;
/// Before the second try; doubled for each further one.
const MIN_BACKOFF: Duration = Duration::from_millis(10);
/// How long an operation may take with all its tries.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(4);
/// Until when a further try may last: just before the end, what failed before says more than that.
const RETRY_DEADLINE: Duration = Duration::from_millis(3950);

/// What is known after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OperationEffect {
    /// Nothing was done: it may be tried again.
    Nothing,
    /// The connection or server went away: it may have been done.
    Unknown,
    /// Trying again would fail again.
    Final,
}

/// An error of a server.
pub(super) trait FailedOperation {
    /// What it says of the operation.
    fn effect(&self) -> OperationEffect;
}

/// Runs an operation until it succeeds, a try is of no use, or the tries are used up. `repeatable`
/// says that doing it twice is doing it once. Also gives whether any try had an unknown effect.
pub(super) async fn retried<T, E, F>(
    repeatable: bool,
    operation: impl Fn() -> F,
) -> Result<(T, bool), E>
where
    E: FailedOperation,
    F: Future<Output = Result<T, E>> + Send,
{
    let mut end = pin!(tokio::time::sleep(RETRY_DEADLINE));
    let (mut pause, mut unknown) = (MIN_BACKOFF, false);
    let mut outcome = operation().await;
    for _ in 1..MAX_ATTEMPTS {
        let failure = match outcome {
            Ok(done) => return Ok((done, unknown)),
            Err(failure) => failure,
        };
        match failure.effect() {
            OperationEffect::Nothing => {}
            OperationEffect::Unknown if repeatable => unknown = true,
            OperationEffect::Unknown | OperationEffect::Final => return Err(failure),
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
        outcome = tokio::select! {
            biased;
            outcome = operation() => outcome,
            () = &mut end => return Err(failure),
        };
    }
    outcome.map(|done| (done, unknown))
}

/// The outcome of work that may not take longer than anybody waits for.
pub(super) async fn bounded<T, E: Into<StoreError>>(
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(TOTAL_TIMEOUT, work).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(StoreError::Unavailable("the server does not answer".to_owned())),
    }
}

/// A record's version where replicas share no counter: none is used again for a key, and whoever
/// lost an answer can tell its own write from another's (`settled`). 63 bits, as databases have no
/// unsigned integers.
pub(super) fn random_version(entropy: &dyn Entropy) -> u64 {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    u64::from_be_bytes(bytes) >> 1
}

/// Whether a write of a record under a random `version` was done, by what `retried` gave: where an
/// answer was lost, it was if that version stands there.
pub(super) async fn settled(
    (done, unknown): (bool, bool),
    store: &dyn Store,
    (key, version): (&RecordKey, u64),
    now: Timestamp,
) -> Result<bool, StoreError> {
    if done || !unknown {
        return Ok(done);
    }
    match store.get(key, now).await? {
        Some(held) if held.version == version => Ok(true),
        _ => Err(StoreError::Unavailable("the answer to a write was lost".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::Instant;

    use super::*;

    #[derive(Debug)]
    struct Lost;

    impl FailedOperation for Lost {
        fn effect(&self) -> OperationEffect {
            OperationEffect::Unknown
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_connection_is_tried_again_where_twice_is_once() {
        let tries = &AtomicU32::new(0);
        let done = retried(true, || async move {
            tries.fetch_add(1, Ordering::SeqCst);
            if tries.load(Ordering::SeqCst) < 3 {
                Err(Lost)
            } else {
                Ok(tries.load(Ordering::SeqCst))
            }
        });
        assert_eq!(done.await.unwrap(), (3, true));

        let tries = &AtomicU32::new(0);
        let refused = retried(false, || async move {
            tries.fetch_add(1, Ordering::SeqCst);
            Err::<(), _>(Lost)
        });
        assert!(refused.await.is_err());
        assert_eq!(tries.load(Ordering::SeqCst), 1);
    }

    /// Two seconds of waiting for a connection, and nothing done.
    #[derive(Debug)]
    struct NoConnection;

    impl FailedOperation for NoConnection {
        fn effect(&self) -> OperationEffect {
            OperationEffect::Nothing
        }
    }

    impl From<NoConnection> for StoreError {
        fn from(_: NoConnection) -> Self {
            Self::Unavailable("no connection".to_owned())
        }
    }

    /// Waits in vain for so many seconds, and then succeeds.
    async fn after(seconds: u64) -> Result<(u32, bool), StoreError> {
        let start = Instant::now();
        let attempt = move || async move {
            let rest = Duration::from_secs(seconds).saturating_sub(start.elapsed());
            tokio::time::sleep(rest.min(Duration::from_secs(2))).await;
            if rest < Duration::from_secs(2) { Ok(1) } else { Err(NoConnection) }
        };
        bounded(retried(false, attempt)).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_waited_for_again_within_the_bound_and_what_lacked_is_said() {
        assert_eq!(after(3).await, Ok((1, false)));
        let start = Instant::now();
        let refused = after(9).await.unwrap_err();
        assert_eq!(refused, StoreError::Unavailable("no connection".to_owned()));
        assert!(start.elapsed() <= TOTAL_TIMEOUT, "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn tries_are_bounded() {
        let tries = &AtomicU32::new(0);
        let refused = retried(true, || async move {
            tries.fetch_add(1, Ordering::SeqCst);
            Err::<(), _>(Lost)
        });
        assert!(refused.await.is_err());
        assert_eq!(tries.load(Ordering::SeqCst), MAX_ATTEMPTS);
    }
}
