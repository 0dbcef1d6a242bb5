//! The contract of every backend, as tests. `contract::suite!(async { .. })` in a backend's tests
//! runs each of them. The future is evaluated once per test and must return an empty store.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;

mod due;
mod lists;
mod races;
mod space;

pub use due::*;
pub use lists::*;
pub use races::*;
pub use space::*;

use super::{
    CLOCK_SKEW, IndexEntry, IndexKind, MAX_ID_LEN, MAX_INDEX_ENTRIES, MAX_VALUE_BYTES, Record,
    RecordKey, RecordKind, SharedStore, StoreError, VersionedRecord,
};
use crate::model::{TenantId, Timestamp};

/// The current time in the suite.
pub const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);
const HOUR: Duration = Duration::from_hours(1);

/// Defines a `#[tokio::test]` for each part of the contract.
macro_rules! suite {
    ($make:expr) => {
        $crate::store::contract::suite!($make;
            insert_refuses_an_existing_key,
            get_returns_the_written_record,
            takes_once,
            swap_requires_the_current_version,
            a_tombstone_removes_the_version_that_was_read,
            versions_are_never_reused,
            an_expired_record_is_absent,
            insert_replaces_an_expired_record,
            each_replica_judges_by_its_own_clock,
            purge_keeps_records_within_clock_tolerance,
            purges_in_steps,
            lists_by_owner,
            lists_follow_swaps_takes_and_expiry,
            lists_are_bounded,
            kinds_and_tenants_are_apart,
            lists_due_records_of_all_tenants_earliest_first,
            due_lists_are_bounded,
            many_records_with_one_due_time_are_listed,
            due_lists_follow_swaps_takes_and_expiry,
            one_of_many_claims_wins,
            keeps_any_bytes,
            keeps_large_values_and_refuses_larger,
            one_of_many_inserts_wins,
            one_of_many_takes_wins,
            one_of_many_swaps_wins,
            no_increment_is_lost,
            acknowledged_writes_are_visible_at_once,
            names_its_incarnation,
        );
    };
    ($make:expr; $($name:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                $crate::store::contract::$name($make.await).await;
            }
        )+
    };
}
pub(crate) use suite;

/// The key of a session record.
pub fn key(id: &str) -> RecordKey {
    RecordKey::new(RecordKind::Session, &tenant(), id)
}

/// A session record that expires in an hour, indexed by user `ada`.
pub fn record(id: &str) -> Record {
    Record {
        key: key(id),
        value: Bytes::from_static(b"value"),
        expires_at: NOW.plus(HOUR),
        owners: vec![ada()],
        due_at: None,
    }
}

fn tenant() -> TenantId {
    TenantId::new("team", "main")
}

fn ada() -> IndexEntry {
    IndexEntry::new(IndexKind::User, "ada")
}

fn with_value(id: &str, value: &[u8]) -> Record {
    Record { value: Bytes::copy_from_slice(value), ..record(id) }
}

async fn load(store: &SharedStore, id: &str) -> VersionedRecord {
    store.get(&key(id), NOW).await.unwrap().expect("the record is there")
}

async fn listed(store: &SharedStore, owner: &IndexEntry, now: Timestamp) -> BTreeSet<String> {
    let found = store.list(RecordKind::Session, &tenant(), owner, now).await.unwrap();
    found.into_iter().map(|stored| stored.record.key.id).collect()
}

fn ids<const N: usize>(ids: [&str; N]) -> BTreeSet<String> {
    ids.map(str::to_owned).into()
}

pub async fn insert_refuses_an_existing_key(store: SharedStore) {
    assert_eq!(store.insert(with_value("a", b"first"), NOW).await, Ok(true));
    assert_eq!(store.insert(with_value("a", b"second"), NOW).await, Ok(false));
    assert_eq!(load(&store, "a").await.record.value, "first");
}

pub async fn get_returns_the_written_record(store: SharedStore) {
    assert_eq!(store.get(&key("a"), NOW).await, Ok(None));
    store.insert(record("a"), NOW).await.unwrap();
    assert_eq!(load(&store, "a").await.record, record("a"));
    assert_eq!(load(&store, "a").await, load(&store, "a").await, "reading changes nothing");
}

pub async fn takes_once(store: SharedStore) {
    store.insert(record("a"), NOW).await.unwrap();
    let taken = store.take(&key("a"), NOW).await.unwrap().expect("there is one");
    assert_eq!(taken.record, record("a"));
    assert_eq!(store.take(&key("a"), NOW).await, Ok(None));
    assert_eq!(store.get(&key("a"), NOW).await, Ok(None));
}

pub async fn swap_requires_the_current_version(store: SharedStore) {
    assert_eq!(store.compare_and_swap(1, record("a"), NOW).await, Ok(false), "nothing to swap");
    assert_eq!(store.get(&key("a"), NOW).await, Ok(None), "a failed swap writes nothing");
    store.insert(record("a"), NOW).await.unwrap();
    let first = load(&store, "a").await.version;

    let changed = Record {
        value: Bytes::from_static(b"changed"),
        expires_at: NOW.plus(2 * HOUR),
        owners: vec![],
        ..record("a")
    };
    assert_eq!(store.compare_and_swap(first, changed.clone(), NOW).await, Ok(true));
    let current = load(&store, "a").await;
    assert_eq!(current.record, changed);
    assert_ne!(current.version, first);
    assert_eq!(
        store.compare_and_swap(first, record("a"), NOW).await,
        Ok(false),
        "the version has moved on"
    );
    assert_eq!(load(&store, "a").await, current);
}

pub async fn versions_are_never_reused(store: SharedStore) {
    store.insert(record("a"), NOW).await.unwrap();
    let first = load(&store, "a").await.version;
    store.take(&key("a"), NOW).await.unwrap();
    store.insert(with_value("a", b"another"), NOW).await.unwrap();
    assert_eq!(store.compare_and_swap(first, record("a"), NOW).await, Ok(false));
    assert_eq!(load(&store, "a").await.record.value, "another");
}

pub async fn an_expired_record_is_absent(store: SharedStore) {
    store.insert(record("a"), NOW).await.unwrap();
    let version = load(&store, "a").await.version;
    let end = NOW.plus(HOUR);
    let just_before = end.minus(Duration::from_millis(1));
    assert!(store.get(&key("a"), just_before).await.unwrap().is_some());
    assert_eq!(store.get(&key("a"), end).await, Ok(None));
    assert_eq!(store.take(&key("a"), end).await, Ok(None));
    let renewed = Record { expires_at: end.plus(HOUR), ..record("a") };
    assert_eq!(store.compare_and_swap(version, renewed, end).await, Ok(false));
    assert_eq!(listed(&store, &ada(), end).await, ids([]));
}

pub async fn insert_replaces_an_expired_record(store: SharedStore) {
    store.insert(record("a"), NOW).await.unwrap();
    let later = NOW.plus(2 * HOUR);
    let grace = IndexEntry::new(IndexKind::User, "grace");
    let next = Record {
        value: Bytes::from_static(b"next"),
        expires_at: later.plus(HOUR),
        owners: vec![grace.clone()],
        ..record("a")
    };
    assert_eq!(store.insert(next.clone(), later).await, Ok(true));
    assert_eq!(store.get(&key("a"), later).await.unwrap().expect("new").record, next);
    assert_eq!(listed(&store, &ada(), later).await, ids([]));
    assert_eq!(listed(&store, &grace, later).await, ids(["a"]));
}

pub async fn each_replica_judges_by_its_own_clock(store: SharedStore) {
    let (slow, fast) = (NOW.minus(CLOCK_SKEW), NOW.plus(CLOCK_SKEW));
    let brief = Record { expires_at: NOW.plus(Duration::from_secs(30)), ..record("a") };
    store.insert(brief, slow).await.unwrap();
    assert!(store.get(&key("a"), slow).await.unwrap().is_some());
    assert_eq!(store.get(&key("a"), fast).await, Ok(None));
    assert!(store.get(&key("a"), slow).await.unwrap().is_some(), "reading late deletes nothing");
    assert_eq!(store.take(&key("a"), fast).await, Ok(None));
    assert!(store.take(&key("a"), slow).await.unwrap().is_some(), "nor does a late take");
}

pub async fn purge_keeps_records_within_clock_tolerance(store: SharedStore) {
    store.insert(record("a"), NOW).await.unwrap();
    let end = NOW.plus(HOUR);
    assert_eq!(store.purge(10, end).await, Ok(0));
    let slow = end.minus(Duration::from_secs(1));
    assert!(store.get(&key("a"), slow).await.unwrap().is_some());
    assert_eq!(store.purge(10, end.plus(CLOCK_SKEW)).await, Ok(1));
    assert_eq!(store.get(&key("a"), slow).await, Ok(None));
}

pub async fn purges_in_steps(store: SharedStore) {
    for n in 0..5 {
        store.insert(record(&n.to_string()), NOW).await.unwrap();
    }
    let longer = Record { expires_at: NOW.plus(10 * HOUR), ..record("kept") };
    store.insert(longer, NOW).await.unwrap();
    let later = NOW.plus(2 * HOUR);
    assert_eq!(store.purge(2, later).await, Ok(2));
    assert_eq!(store.purge(2, later).await, Ok(2));
    assert_eq!(store.purge(2, later).await, Ok(1));
    assert_eq!(store.purge(2, later).await, Ok(0));
    assert_eq!(listed(&store, &ada(), NOW).await, ids(["kept"]));
}

pub async fn kinds_and_tenants_are_apart(store: SharedStore) {
    let neighbour = TenantId::new("team", "other");
    let others = [
        RecordKey::new(RecordKind::Grant, &tenant(), "a"),
        RecordKey::new(RecordKind::Session, &neighbour, "a"),
    ];
    store.insert(record("a"), NOW).await.unwrap();
    for other in others {
        assert_eq!(store.get(&other, NOW).await, Ok(None));
        let its = Record { key: other.clone(), ..record("a") };
        assert_eq!(store.insert(its, NOW).await, Ok(true), "{other}");
        let found = store.list(other.kind, &other.tenant, &ada(), NOW).await.unwrap();
        assert_eq!(found.len(), 1, "{other}");
        assert!(store.take(&other, NOW).await.unwrap().is_some());
    }
    assert_eq!(load(&store, "a").await.record, record("a"));
}

pub async fn keeps_any_bytes(store: SharedStore) {
    let every_byte: Vec<u8> = (0..=255).collect();
    let odd_id = "a/b:c%00 \u{e9}\u{1f511}'\"";
    let written = Record {
        key: key(odd_id),
        value: every_byte.into(),
        owners: vec![IndexEntry::new(IndexKind::Client, odd_id)],
        ..record("a")
    };
    store.insert(written.clone(), NOW).await.unwrap();
    assert_eq!(load(&store, odd_id).await.record, written);
    assert_eq!(listed(&store, &written.owners[0], NOW).await, ids([odd_id]));
    store.insert(with_value("empty", b""), NOW).await.unwrap();
    assert_eq!(load(&store, "empty").await.record.value, "");
}

pub async fn keeps_large_values_and_refuses_larger(store: SharedStore) {
    let owners: Vec<IndexEntry> =
        (0..MAX_INDEX_ENTRIES).map(|n| IndexEntry::new(IndexKind::Client, n.to_string())).collect();
    let largest = Record {
        key: key(&"k".repeat(MAX_ID_LEN)),
        value: vec![7; MAX_VALUE_BYTES].into(),
        owners: owners.clone(),
        ..record("a")
    };
    assert_eq!(store.insert(largest.clone(), NOW).await, Ok(true));
    let stored = load(&store, &largest.key.id).await;
    assert_eq!(stored.record, largest);

    let value = Record { value: vec![7; MAX_VALUE_BYTES + 1].into(), ..record("a") };
    let id = Record { key: key(&"k".repeat(MAX_ID_LEN + 1)), ..record("a") };
    let owners = Record { owners: [owners, vec![ada()]].concat(), ..record("a") };
    for larger in [value, id, owners] {
        let refused = store.insert(larger.clone(), NOW).await;
        assert!(matches!(refused, Err(StoreError::TooLarge(_))), "{refused:?}");
        let refused = store.compare_and_swap(stored.version, larger, NOW).await;
        assert!(matches!(refused, Err(StoreError::TooLarge(_))), "{refused:?}");
    }
    assert_eq!(load(&store, &largest.key.id).await, stored);
}

pub async fn names_its_incarnation(store: SharedStore) {
    let state = store.state().await.unwrap();
    assert!(state.incarnation.len() >= 16, "{state:?}");
    assert_eq!(store.state().await.unwrap().incarnation, state.incarnation);
}
