//! What is tried again: serialization failures, after which nothing was done, and lost
//! connections, where doing it twice is doing it once.

use std::time::Duration;

use crate::store::StoreError;

/// Tries of one operation.
const TRIES: u32 = 6;
/// Before the second try; doubled for each further one.
const PAUSE: Duration = Duration::from_millis(10);

/// Why the database did not do what was asked; its text names no secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Failure(#[from] sqlx::Error);

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::Unavailable(failure.to_string())
    }
}

/// What is known after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing was done: it may be tried again.
    Nothing,
    /// The connection or server went away: it may have been done.
    Unknown,
    /// Trying again would fail again.
    Final,
}

impl Failure {
    /// Judges by SQLSTATE (PostgreSQL manual, appendix A).
    pub(super) fn effect(&self) -> Effect {
        match &self.0 {
            sqlx::Error::Database(error) => by_code(error.code().as_deref()),
            sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed | sqlx::Error::Protocol(_) => {
                Effect::Unknown
            }
            _ => Effect::Final,
        }
    }
}

fn by_code(code: Option<&str>) -> Effect {
    match code {
        // serialization_failure, deadlock_detected; cannot_connect_now and read_only_sql_transaction
        // are what a fail-over looks like before the new primary answers.
        Some("40001" | "40P01" | "57P03" | "25006") => Effect::Nothing,
        // statement_completion_unknown, admin_shutdown, crash_shutdown, connection exceptions.
        Some(code) if code == "40003" || code.starts_with("57P") || code.starts_with("08") => {
            Effect::Unknown
        }
        _ => Effect::Final,
    }
}

/// Runs an operation until it succeeds, a try is of no use, or the tries are used up. `repeatable`
/// says that doing it twice is doing it once. Also gives whether any try had an unknown effect.
pub(super) async fn retried<T, F>(
    repeatable: bool,
    operation: impl Fn() -> F,
) -> Result<(T, bool), Failure>
where
    F: Future<Output = Result<T, Failure>> + Send,
{
    let (mut pause, mut unknown) = (PAUSE, false);
    for _ in 1..TRIES {
        match operation().await {
            Ok(done) => return Ok((done, unknown)),
            Err(failure) => match failure.effect() {
                Effect::Nothing => {}
                Effect::Unknown if repeatable => unknown = true,
                Effect::Unknown | Effect::Final => return Err(failure),
            },
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    operation().await.map(|done| (done, unknown))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn lost() -> Failure {
        Failure(sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()))
    }

    #[test]
    fn judges_by_sqlstate() {
        for (code, effect) in [
            ("40001", Effect::Nothing),
            ("40P01", Effect::Nothing),
            ("25006", Effect::Nothing),
            ("57P01", Effect::Unknown),
            ("08006", Effect::Unknown),
            ("42501", Effect::Final),
        ] {
            assert_eq!(by_code(Some(code)), effect, "{code}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_connection_is_tried_again_where_twice_is_once() {
        let tries = &AtomicU32::new(0);
        let done = retried(true, || async move {
            tries.fetch_add(1, Ordering::SeqCst);
            if tries.load(Ordering::SeqCst) < 3 {
                Err(lost())
            } else {
                Ok(tries.load(Ordering::SeqCst))
            }
        });
        assert_eq!(done.await.unwrap(), (3, true));

        let tries = &AtomicU32::new(0);
        let refused = retried(false, || async move {
            tries.fetch_add(1, Ordering::SeqCst);
            Err::<(), _>(lost())
        });
        assert!(refused.await.is_err());
        assert_eq!(tries.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn tries_are_bounded() {
        let tries = &AtomicU32::new(0);
        let refused = retried(true, || async move {
            tries.fetch_add(1, Ordering::SeqCst);
            Err::<(), _>(lost())
        });
        assert!(refused.await.is_err());
        assert_eq!(tries.load(Ordering::SeqCst), TRIES);
    }
}
