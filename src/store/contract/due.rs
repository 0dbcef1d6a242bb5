//! The part of the contract about due times.

use std::{collections::BTreeSet, time::Duration};

use super::{CLOCK_SKEW, HOUR, NOW, ada, ids, key, listed, load, record};
use crate::{
    model::{TenantId, Timestamp},
    store::{DueRecords, MAX_LISTED, Record, RecordKey, RecordKind, SharedStore},
};

const MINUTE: Duration = Duration::from_mins(1);

fn due(id: &str, due_at: Timestamp) -> Record {
    Record { due_at: Some(due_at), ..record(id) }
}

/// The ids of the session records that are due by `until`.
async fn due_by(store: &SharedStore, until: Timestamp, now: Timestamp) -> Vec<String> {
    let since = Timestamp::from_millis(0);
    let found = store.list_due(RecordKind::Session, since..=until, 100, now).await.unwrap().records;
    found.into_iter().map(|stored| stored.record.key.id).collect()
}

pub async fn lists_due_records_of_all_tenants_earliest_first(store: SharedStore) {
    let tenant = TenantId::new("another-team", "other");
    let elsewhere = Record {
        key: RecordKey::new(RecordKind::Session, &tenant, "elsewhere"),
        ..due("", NOW.minus(MINUTE))
    };
    let grant = RecordKey::new(RecordKind::Grant, &tenant, "grant");
    let records = [
        due("now", NOW),
        due("later", NOW.plus(MINUTE)),
        elsewhere.clone(),
        due("first", Timestamp::from_millis(0)),
        record("never"),
        Record { key: grant, ..due("", NOW) },
    ];
    for record in records {
        assert_eq!(store.insert(record, NOW).await, Ok(true));
    }
    assert_eq!(load(&store, "now").await.record, due("now", NOW));
    assert_eq!(due_by(&store, NOW, NOW).await, ["first", "elsewhere", "now"]);
    let just_before = NOW.minus(Duration::from_millis(1));
    assert_eq!(due_by(&store, just_before, NOW).await, ["first", "elsewhere"]);
    let all = Timestamp::from_millis(i64::MAX);
    assert_eq!(due_by(&store, all, NOW).await, ["first", "elsewhere", "now", "later"]);
    let one = store.list_due(RecordKind::Session, NOW..=NOW, 100, NOW).await.unwrap().records;
    assert_eq!(one, [load(&store, "now").await], "with value and version");
    let since = NOW.minus(MINUTE);
    let found =
        store.list_due(RecordKind::Session, since..=just_before, 100, NOW).await.unwrap().records;
    assert_eq!(found.into_iter().map(|it| it.record).collect::<Vec<_>>(), [elsewhere]);
}

pub async fn due_lists_are_bounded(store: SharedStore) {
    for n in 0..5 {
        store.insert(due(&n.to_string(), NOW.plus(MINUTE * n)), NOW).await.unwrap();
    }
    let found =
        store.list_due(RecordKind::Session, NOW..=NOW.plus(HOUR), 2, NOW).await.unwrap().records;
    let ids: Vec<_> = found.into_iter().map(|stored| stored.record.key.id).collect();
    assert_eq!(ids, ["0", "1"], "the earliest ones");
    let none = store.list_due(RecordKind::Session, NOW..=NOW, 0, NOW).await;
    assert_eq!(none, Ok(DueRecords::default()));
    for n in 0..3 {
        let brief = Record { expires_at: NOW.plus(MINUTE), ..due(&format!("brief-{n}"), NOW) };
        store.insert(brief, NOW).await.unwrap();
    }
    let all = NOW..=NOW.plus(HOUR);
    let found =
        store.list_due(RecordKind::Session, all, 2, NOW.plus(MINUTE)).await.unwrap().records;
    let ids: Vec<_> = found.into_iter().map(|stored| stored.record.key.id).collect();
    assert_eq!(ids, ["0", "1"], "expired records do not count");
}

/// Callers that find a full list of one due time ask again with a higher limit.
pub async fn many_records_with_one_due_time_are_listed(store: SharedStore) {
    let writers = (0..25).map(|hundred| {
        let store = SharedStore::clone(&store);
        tokio::spawn(async move {
            for n in 0..100 {
                let record = due(&format!("{hundred}-{n}"), NOW);
                assert_eq!(store.insert(record, NOW).await, Ok(true));
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    for (limit, length) in [(MAX_LISTED, MAX_LISTED), (4 * MAX_LISTED, 2500)] {
        let found =
            store.list_due(RecordKind::Session, NOW..=NOW, limit, NOW).await.unwrap().records;
        let ids: BTreeSet<_> = found.iter().map(|stored| &stored.record.key.id).collect();
        assert_eq!((found.len(), ids.len()), (length, length));
    }
}

pub async fn due_lists_follow_swaps_takes_and_expiry(store: SharedStore) {
    for id in ["moved", "done", "taken", "expired"] {
        store.insert(due(id, NOW), NOW).await.unwrap();
    }
    let version = load(&store, "moved").await.version;
    let moved = due("moved", NOW.plus(MINUTE));
    assert_eq!(store.compare_and_swap(version, moved, NOW).await, Ok(true));
    let version = load(&store, "done").await.version;
    assert_eq!(store.compare_and_swap(version, record("done"), NOW).await, Ok(true));
    assert!(store.take(&key("taken"), NOW).await.unwrap().is_some());
    assert_eq!(due_by(&store, NOW, NOW).await, ["expired"]);
    assert_eq!(due_by(&store, NOW.plus(MINUTE), NOW).await, ["expired", "moved"]);

    let end = NOW.plus(HOUR);
    assert_eq!(due_by(&store, end, end).await, [""; 0], "expired records are absent");
    let renewed = Record { expires_at: end.plus(HOUR), ..record("expired") };
    assert_eq!(store.insert(renewed, end).await, Ok(true));
    assert_eq!(due_by(&store, end, NOW).await, ["moved"], "its due time was replaced");
    let purged = end.plus(CLOCK_SKEW);
    assert_eq!(store.purge(10, purged).await, Ok(2));
    assert_eq!(due_by(&store, end, NOW).await, [""; 0]);
}

/// A record is removed by its version, by a swap only.
pub async fn a_tombstone_removes_the_version_that_was_read(store: SharedStore) {
    let due = Record { due_at: Some(NOW), ..record("a") };
    store.insert(due.clone(), NOW).await.unwrap();
    let earlier = load(&store, "a").await;
    assert_eq!(store.compare_and_swap(earlier.version, due.clone(), NOW).await, Ok(true));
    let tombstone = earlier.tombstone();
    assert_eq!(store.compare_and_swap(earlier.version, tombstone.clone(), NOW).await, Ok(false));
    let present = load(&store, "a").await;
    assert_eq!(store.compare_and_swap(present.version, tombstone, NOW).await, Ok(true));
    assert_eq!(store.get(&key("a"), NOW).await, Ok(None));
    assert_eq!(listed(&store, &ada(), NOW).await, ids([]));
    let found = store.list_due(RecordKind::Session, NOW..=NOW, 10, NOW).await;
    assert_eq!(found.unwrap().records, []);
    assert_eq!(store.insert(due, NOW).await, Ok(true));
    assert_ne!(load(&store, "a").await.version, present.version);
}
