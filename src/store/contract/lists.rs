//! The part of the contract about lists by index entry.

use super::{HOUR, NOW, ada, ids, key, listed, load, record, tenant};
use crate::store::{IndexEntry, IndexKind, MAX_LISTED, Record, RecordKind, SharedStore};

pub async fn lists_by_owner(store: SharedStore) {
    let phone = IndexEntry::new(IndexKind::Session, "ada");
    store.insert(record("a"), NOW).await.unwrap();
    store.insert(Record { owners: vec![ada(), phone.clone()], ..record("b") }, NOW).await.unwrap();
    store.insert(Record { owners: vec![], ..record("c") }, NOW).await.unwrap();
    assert_eq!(listed(&store, &ada(), NOW).await, ids(["a", "b"]));
    assert_eq!(listed(&store, &phone, NOW).await, ids(["b"]), "kinds of owner are apart");
    let found = store.list(RecordKind::Session, &tenant(), &phone, NOW).await.unwrap();
    assert_eq!(found, [load(&store, "b").await], "with value and version");
}

pub async fn lists_follow_swaps_takes_and_expiry(store: SharedStore) {
    let grace = IndexEntry::new(IndexKind::User, "grace");
    for id in ["a", "b", "c"] {
        store.insert(record(id), NOW).await.unwrap();
    }
    let version = load(&store, "a").await.version;
    let moved = Record { owners: vec![grace.clone()], ..record("a") };
    store.compare_and_swap(version, moved, NOW).await.unwrap();
    store.take(&key("b"), NOW).await.unwrap();
    assert_eq!(listed(&store, &ada(), NOW).await, ids(["c"]));
    assert_eq!(listed(&store, &grace, NOW).await, ids(["a"]));
    assert_eq!(listed(&store, &ada(), NOW.plus(HOUR)).await, ids([]));
}

pub async fn lists_are_bounded(store: SharedStore) {
    for n in 0..=MAX_LISTED {
        store.insert(record(&n.to_string()), NOW).await.unwrap();
    }
    assert_eq!(listed(&store, &ada(), NOW).await.len(), MAX_LISTED);
}
