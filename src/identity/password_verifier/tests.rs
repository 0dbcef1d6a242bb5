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

/// Checks an attempt at one tenant from one address.
async fn verify(
    pool: &PasswordVerifier,
    account: Option<&Account>,
    stored: (Option<StoredPassword>, Option<StoredPassword>),
    attempt: Secret<String>,
) -> Result<bool, PasswordQueueFull> {
    let tenant = TenantId::new("team", "main");
    pool.verify((&tenant, [192, 0, 2, 1].into()), account, stored, attempt).await
}

#[tokio::test]
async fn only_the_password_of_an_enabled_user_matches() {
    let pool = PasswordVerifier::new(1, 8);
    let hash = super::super::hash_password(&attempt("right"), &SeededEntropy::new(1));
    for stored in [plain("right"), StoredPassword::Hash(Secret::new(hash))] {
        let own = || (Some(stored.clone()), None);
        assert_eq!(verify(&pool, Some(&ada()), own(), attempt("right")).await, Ok(true));
        assert_eq!(verify(&pool, Some(&ada()), own(), attempt("wrong")).await, Ok(false));
        let disabled = Account { disabled: true, ..ada() };
        assert_eq!(verify(&pool, Some(&disabled), own(), attempt("right")).await, Ok(false));
    }
    assert_eq!(verify(&pool, Some(&ada()), (None, None), attempt("")).await, Ok(false));
    assert_eq!(verify(&pool, None, (None, None), attempt("right")).await, Ok(false));
}

#[tokio::test]
async fn the_password_of_a_decoy_never_matches() {
    let pool = PasswordVerifier::new(1, 8);
    let without = || (None, Some(plain("right")));
    assert_eq!(verify(&pool, None, without(), attempt("right")).await, Ok(false));
    assert_eq!(verify(&pool, Some(&ada()), without(), attempt("right")).await, Ok(false));
    let own = || (Some(plain("hers")), Some(plain("right")));
    assert_eq!(verify(&pool, Some(&ada()), own(), attempt("right")).await, Ok(false));
    assert_eq!(verify(&pool, Some(&ada()), own(), attempt("hers")).await, Ok(true));
}

#[tokio::test]
async fn an_overlong_attempt_never_matches() {
    let pool = PasswordVerifier::new(1, 8);
    let longest = "x".repeat(MAX_PASSWORD_LEN);
    let own = || (Some(plain(&longest)), None);
    assert_eq!(verify(&pool, Some(&ada()), own(), attempt(&longest)).await, Ok(true));
    let longer = attempt(&format!("{longest}x"));
    assert_eq!(verify(&pool, Some(&ada()), own(), longer).await, Ok(false));
}

#[tokio::test]
async fn a_full_queue_is_busy() {
    let pool = PasswordVerifier::without_threads(2);
    let ada = ada();
    let own = || (Some(plain("right")), None);
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let mut check = Box::pin(verify(&pool, Some(&ada), own(), attempt("right")));
        assert!(futures::poll!(&mut check).is_pending());
        waiting.push(check);
    }
    assert_eq!(pool.queued(), 2);
    assert_eq!(verify(&pool, Some(&ada), own(), attempt("right")).await, Err(PasswordQueueFull));
    assert_eq!(pool.queued(), 2);
    while pool.pool.queue().checks.take(Instant::now()).is_some() {}
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
                verify(&pool, Some(&ada()), own, attempt(&n.to_string())).await
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
    let pool = PasswordVerifier::without_threads(1);
    let check = verify(&pool, None, (None, None), attempt("x"));
    let mut check = Box::pin(check);
    assert!(futures::executor::block_on(async { futures::poll!(&mut check) }).is_pending());
    drop(check);
    let (job, _) = pool.pool.queue().checks.take(Instant::now()).expect("a check");
    assert!(matches!(job, VerifierJob::Check(check) if check.answer.is_closed()));
}

#[tokio::test]
async fn a_new_password_is_hashed_on_the_same_threads() {
    let pool = PasswordVerifier::new(1, 8);
    let (tenant, entropy) = (TenantId::new("team", "main"), SeededEntropy::new(1));
    let origin = (&tenant, [192, 0, 2, 1].into());
    let hash = pool.hash(origin, attempt("right"), &entropy).await.expect("a thread");
    let own = || (Some(StoredPassword::Hash(Secret::new(hash.clone()))), None);
    assert_eq!(verify(&pool, Some(&ada()), own(), attempt("right")).await, Ok(true));
    assert_eq!(verify(&pool, Some(&ada()), own(), attempt("wrong")).await, Ok(false));
}

/// With one thread, at most the checks that run delay a check of a tenant without others.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_at_other_tenants_does_not_delay_a_check() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let pool = Arc::new(PasswordVerifier::new(1, 256));
    let checked = Arc::new(AtomicUsize::new(0));
    let hash = super::super::hash_password(&attempt("right"), &SeededEntropy::new(1));
    let own = move || (Some(StoredPassword::Hash(Secret::new(hash.clone()))), None);
    let mut flood = tokio::task::JoinSet::new();
    for number in 0..39 * 6_u8 {
        let (pool, checked, own) = (Arc::clone(&pool), Arc::clone(&checked), own());
        flood.spawn(async move {
            let tenant = TenantId::new("flood", (number % 39).to_string());
            let from = (&tenant, [192, 0, 2, number].into());
            let _ = pool.verify(from, Some(&ada()), own, attempt("wrong")).await;
            checked.fetch_add(1, Ordering::Relaxed);
        });
    }
    // Every flooding tenant had a turn.
    while checked.load(Ordering::Relaxed) < 60 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = checked.load(Ordering::Relaxed);
    assert_eq!(verify(&pool, Some(&ada()), own(), attempt("right")).await, Ok(true));
    let meanwhile = checked.load(Ordering::Relaxed) - before;
    assert!(meanwhile <= 4, "{meanwhile} checks went first");
    assert!(pool.queued() > 50, "the flood goes on");
}
