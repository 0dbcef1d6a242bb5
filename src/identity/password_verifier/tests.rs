use super::*;
use crate::model::{AccountSource, ObjectKey, SeededEntropy, Subject, fixtures};

fn ada() -> Account {
    Account {
        source: AccountSource::Resource(ObjectKey::new("team", "ada")),
        username: "ada".to_owned(),
        subject: Subject::new("1"),
        ..fixtures::user()
    }
}

fn plain(text: &str) -> StoredPassword {
    StoredPassword::Plain(Secret::new(text.to_owned()))
}

fn attempt(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

#[tokio::test]
async fn only_the_password_of_an_enabled_user_matches() {
    let pool = PasswordVerifier::new(1, 8);
    let hash = super::super::hash_password(&attempt("right"), &SeededEntropy::new(1));
    for stored in [plain("right"), StoredPassword::Hash(Secret::new(hash))] {
        let own = || (Some(stored.clone()), None);
        assert_eq!(pool.verify(Some(&ada()), own(), attempt("right")).await, Ok(true));
        assert_eq!(pool.verify(Some(&ada()), own(), attempt("wrong")).await, Ok(false));
        let disabled = Account { disabled: true, ..ada() };
        assert_eq!(pool.verify(Some(&disabled), own(), attempt("right")).await, Ok(false));
    }
    assert_eq!(pool.verify(Some(&ada()), (None, None), attempt("")).await, Ok(false));
    assert_eq!(pool.verify(None, (None, None), attempt("right")).await, Ok(false));
}

#[tokio::test]
async fn the_password_of_a_decoy_never_matches() {
    let pool = PasswordVerifier::new(1, 8);
    let without = || (None, Some(plain("right")));
    assert_eq!(pool.verify(None, without(), attempt("right")).await, Ok(false));
    assert_eq!(pool.verify(Some(&ada()), without(), attempt("right")).await, Ok(false));
    let own = || (Some(plain("hers")), Some(plain("right")));
    assert_eq!(pool.verify(Some(&ada()), own(), attempt("right")).await, Ok(false));
    assert_eq!(pool.verify(Some(&ada()), own(), attempt("hers")).await, Ok(true));
}

#[tokio::test]
async fn an_overlong_attempt_never_matches() {
    let pool = PasswordVerifier::new(1, 8);
    let longest = "x".repeat(MAX_PASSWORD_LEN);
    let own = || (Some(plain(&longest)), None);
    assert_eq!(pool.verify(Some(&ada()), own(), attempt(&longest)).await, Ok(true));
    let longer = attempt(&format!("{longest}x"));
    assert_eq!(pool.verify(Some(&ada()), own(), longer).await, Ok(false));
}

/// Creates a pool without threads, and returns its queue.
fn stalled(queue: usize) -> (PasswordVerifier, Receiver<Job>) {
    let (jobs, receiver) = bounded(queue);
    (PasswordVerifier { jobs, waiting: Arc::default() }, receiver)
}

#[tokio::test]
async fn a_full_queue_is_busy() {
    let (pool, jobs) = stalled(2);
    let ada = ada();
    let own = || (Some(plain("right")), None);
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let mut check = Box::pin(pool.verify(Some(&ada), own(), attempt("right")));
        assert!(futures::poll!(&mut check).is_pending());
        waiting.push(check);
    }
    assert_eq!(pool.queued(), 2);
    assert_eq!(pool.verify(Some(&ada), own(), attempt("right")).await, Err(PasswordQueueFull));
    assert_eq!(pool.queued(), 2);
    while jobs.try_recv().is_ok() {}
    for check in waiting {
        assert_eq!(check.await, Err(PasswordQueueFull), "an abandoned check fails");
    }
}

#[tokio::test]
async fn every_check_is_answered_and_leaves_the_queue() {
    let pool = Arc::new(PasswordVerifier::new(2, 64));
    let checks: Vec<_> = (0..8)
        .map(|n| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move {
                let own = (Some(plain("3")), None);
                pool.verify(Some(&ada()), own, attempt(&n.to_string())).await
            })
        })
        .collect();
    let mut right = 0;
    for check in checks {
        right += usize::from(check.await.unwrap().unwrap());
    }
    assert_eq!(right, 1);
    assert_eq!(pool.queued(), 0);
}

#[test]
fn checks_of_disconnected_callers_are_skipped() {
    let (pool, jobs) = stalled(1);
    let check = pool.verify(None, (None, None), attempt("x"));
    let mut check = Box::pin(check);
    assert!(futures::executor::block_on(async { futures::poll!(&mut check) }).is_pending());
    drop(check);
    assert!(jobs.recv().unwrap().answer.is_closed());
}
