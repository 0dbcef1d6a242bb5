//! Parts of the contract with many concurrent callers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{NOW, key, load, record, with_value};
use crate::store::{DueRecords, Record, RecordKind, SharedStore};

const RACERS: usize = 64;

/// Runs `race` for 64 concurrent callers and returns how many won.
async fn winners<F, R>(store: &SharedStore, race: F) -> usize
where
    F: Fn(SharedStore, usize) -> R,
    R: Future<Output = bool> + Send + 'static,
{
    let start = Arc::new(tokio::sync::Barrier::new(RACERS));
    let racers: Vec<_> = (0..RACERS)
        .map(|n| {
            let (start, run) = (Arc::clone(&start), race(Arc::clone(store), n));
            tokio::spawn(async move {
                start.wait().await;
                run.await
            })
        })
        .collect();
    let mut won = 0;
    for racer in racers {
        won += usize::from(racer.await.unwrap());
    }
    won
}

pub async fn one_of_many_inserts_wins(store: SharedStore) {
    let won = winners(&store, |store, n| async move {
        store.insert(with_value("a", n.to_string().as_bytes()), NOW).await.unwrap()
    });
    assert_eq!(won.await, 1);
}

pub async fn one_of_many_takes_wins(store: SharedStore) {
    store.insert(record("a"), NOW).await.unwrap();
    let won =
        winners(
            &store,
            |store, _| async move { store.take(&key("a"), NOW).await.unwrap().is_some() },
        );
    assert_eq!(won.await, 1);
}

pub async fn one_of_many_swaps_wins(store: SharedStore) {
    store.insert(record("a"), NOW).await.unwrap();
    let version = load(&store, "a").await.version;
    let won = winners(&store, |store, n| async move {
        store
            .compare_and_swap(version, with_value("a", n.to_string().as_bytes()), NOW)
            .await
            .unwrap()
    });
    assert_eq!(won.await, 1);
}

/// A claim moves the due time. Callers that found the same due record race for it.
pub async fn one_of_many_claims_wins(store: SharedStore) {
    let due = |due_at| Record { due_at: Some(due_at), ..record("a") };
    store.insert(due(NOW), NOW).await.unwrap();
    let later = NOW.plus(Duration::from_secs(30));
    let found = store.list_due(RecordKind::Session, NOW..=NOW, 10, NOW).await.unwrap().records;
    let version = found.first().expect("it is due").version;
    let won = winners(&store, |store, _| async move {
        store.compare_and_swap(version, due(later), NOW).await.unwrap()
    });
    assert_eq!(won.await, 1);
    assert_eq!(
        store.list_due(RecordKind::Session, NOW..=NOW, 10, NOW).await,
        Ok(DueRecords::default())
    );
    let found = store.list_due(RecordKind::Session, later..=later, 10, NOW).await.unwrap().records;
    assert_eq!(found.len(), 1, "it is due again when the claim ends");
}

pub async fn no_increment_is_lost(store: SharedStore) {
    store.insert(with_value("a", b"0"), NOW).await.unwrap();
    let won = winners(&store, |store, _| async move {
        loop {
            let found = load(&store, "a").await;
            let count: u32 = std::str::from_utf8(&found.record.value).unwrap().parse().unwrap();
            let next = with_value("a", (count + 1).to_string().as_bytes());
            if store.compare_and_swap(found.version, next, NOW).await.unwrap() {
                return true;
            }
        }
    });
    assert_eq!(won.await, RACERS);
    assert_eq!(load(&store, "a").await.record.value, RACERS.to_string());
}

/// An acknowledged write is visible to every reader at once.
pub async fn acknowledged_writes_are_visible_at_once(store: SharedStore) {
    let over = Arc::new(AtomicBool::new(false));
    let read = |store: SharedStore, over: Arc<AtomicBool>| async move {
        while !over.load(Ordering::SeqCst) {
            store.get(&key("a"), NOW).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let readers: Vec<_> =
        (0..4).map(|_| tokio::spawn(read(Arc::clone(&store), Arc::clone(&over)))).collect();
    for n in 0..40_u8 {
        assert_eq!(store.insert(with_value("a", &[n, 0]), NOW).await, Ok(true));
        let inserted = load(&store, "a").await;
        assert_eq!(inserted.record.value, [n, 0][..]);
        let swapped = store.compare_and_swap(inserted.version, with_value("a", &[n, 1]), NOW).await;
        assert_eq!(swapped, Ok(true));
        let found = load(&store, "a").await;
        assert_eq!(found.record.value, [n, 1][..]);
        assert_eq!(store.take(&key("a"), NOW).await, Ok(Some(found)));
        assert_eq!(store.get(&key("a"), NOW).await, Ok(None));
    }
    over.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
}
