//! Retries operations that had no effect, and idempotent operations whose connection was lost.

use std::{pin::pin, time::Duration};

use super::{RecordKey, Store, StoreError};
use crate::model::{Entropy, ErrorCause, Timestamp};

/// Most attempts of an operation, the first one included.
const MAX_ATTEMPTS: u32 = 6;
/// Wait before the second attempt. It doubles with each further one.
const MIN_BACKOFF: Duration = Duration::from_millis(10);
/// Limit of an operation with all its attempts.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(4);
/// Deadline of further attempts, shortly before the total limit: the error of an earlier attempt
/// explains more than a timeout.
const RETRY_DEADLINE: Duration = Duration::from_millis(3950);

/// The known effect of a failed operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OperationEffect {
    /// The operation had no effect and may be retried.
    Nothing,
    /// The connection or server failed: the operation may have taken effect.
    Unknown,
    /// A retry would fail the same way.
    Final,
}

/// An error of a server.
pub(super) trait FailedOperation {
    /// Returns the known effect of the failed operation.
    fn effect(&self) -> OperationEffect;
}

/// Runs an operation until it succeeds, fails for good, or the attempts are used up. `idempotent`
/// operations are also retried after an unknown effect. Also returns whether any attempt had an
/// unknown effect.
pub(super) async fn with_retries<T, E, F>(
    idempotent: bool,
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
            OperationEffect::Unknown if idempotent => unknown = true,
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

/// Runs work with a timeout of `TOTAL_TIMEOUT`.
pub(super) async fn with_timeout<T, E: Into<StoreError>>(
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(TOTAL_TIMEOUT, work).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(StoreError::Unavailable(ErrorCause::new("the server does not answer"))),
    }
}

/// A random version, for stores whose replicas share no counter. It is never reused for a key, and
/// a replica that lost an answer can recognize its own write by it (`settled`). It has 63 bits
/// because databases have no unsigned integers.
pub(super) fn random_version(entropy: &dyn Entropy) -> u64 {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    u64::from_be_bytes(bytes) >> 1
}

/// Decides whether a write of a record under a random `version` was done, from the result of
/// `retried`. If an answer was lost, the write was done if the record has that version.
pub(super) async fn resolve_unknown(
    (done, unknown): (bool, bool),
    store: &dyn Store,
    (key, version): (&RecordKey, u64),
    now: Timestamp,
) -> Result<bool, StoreError> {
    if done || !unknown {
        return Ok(done);
    }
    match store.get(key, now).await? {
        Some(stored) if stored.version == version => Ok(true),
        _ => {
            Err(StoreError::Unavailable(ErrorCause::new("the connection was lost during a write")))
        }
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
    async fn idempotent_operations_are_retried_after_a_lost_connection() {
        let tries = &AtomicU32::new(0);
        let done = with_retries(true, || async move {
            tries.fetch_add(1, Ordering::SeqCst);
            if tries.load(Ordering::SeqCst) < 3 {
                Err(Lost)
            } else {
                Ok(tries.load(Ordering::SeqCst))
            }
        });
        assert_eq!(done.await.unwrap(), (3, true));

        let tries = &AtomicU32::new(0);
        let refused = with_retries(false, || async move {
            tries.fetch_add(1, Ordering::SeqCst);
            Err::<(), _>(Lost)
        });
        assert!(refused.await.is_err());
        assert_eq!(tries.load(Ordering::SeqCst), 1);
    }

    /// A failed attempt that waited two seconds for a connection and had no effect.
    #[derive(Debug)]
    struct NoConnection;

    impl FailedOperation for NoConnection {
        fn effect(&self) -> OperationEffect {
            OperationEffect::Nothing
        }
    }

    impl From<NoConnection> for StoreError {
        fn from(_: NoConnection) -> Self {
            Self::Unavailable(ErrorCause::new("no connection"))
        }
    }

    /// Fails to connect until so many seconds have passed, then succeeds.
    async fn after(seconds: u64) -> Result<(u32, bool), StoreError> {
        let start = Instant::now();
        let attempt = move || async move {
            let rest = Duration::from_secs(seconds).saturating_sub(start.elapsed());
            tokio::time::sleep(rest.min(Duration::from_secs(2))).await;
            if rest < Duration::from_secs(2) { Ok(1) } else { Err(NoConnection) }
        };
        with_timeout(with_retries(false, attempt)).await
    }

    #[tokio::test(start_paused = true)]
    async fn connecting_is_retried_within_the_limit_and_its_error_is_reported() {
        assert_eq!(after(3).await, Ok((1, false)));
        let start = Instant::now();
        let refused = after(9).await.unwrap_err();
        assert_eq!(refused, StoreError::Unavailable(ErrorCause::new("no connection")));
        assert!(start.elapsed() <= TOTAL_TIMEOUT, "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn tries_are_bounded() {
        let tries = &AtomicU32::new(0);
        let refused = with_retries(true, || async move {
            tries.fetch_add(1, Ordering::SeqCst);
            Err::<(), _>(Lost)
        });
        assert!(refused.await.is_err());
        assert_eq!(tries.load(Ordering::SeqCst), MAX_ATTEMPTS);
    }
}
