//! Tests with a database that fails or is busy.

use std::{
    pin::Pin,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
};

use sqlx::PgConnection;

use super::*;
use crate::store::{SharedStore, test_servers::Stopwatch};

/// Ends every other connection to the database.
const END_OTHERS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[tokio::test]
async fn connections_ended_by_the_server_are_replaced() {
    let store = prepared().await;
    store.insert(record("a"), NOW).await.unwrap();
    sqlx::query(END_OTHERS).execute(&store.pool).await.unwrap();
    let stored = store.get(&key("a"), NOW).await.unwrap().unwrap();
    assert_eq!(store.compare_and_swap(stored.version, record("a"), NOW).await, Ok(true));
    assert_eq!(store.insert(record("b"), NOW).await, Ok(true));
}

/// Ends connections repeatedly until `stop` is set; returns how many it ended.
async fn terminate(url: &str, stop: &AtomicBool) -> u64 {
    let (mut axe, mut ended) = (PgConnection::connect(url).await.unwrap(), 0);
    while !stop.load(Ordering::SeqCst) {
        let rows = sqlx::query(END_OTHERS).fetch_all(&mut axe).await.unwrap();
        ended += u64::try_from(rows.len()).unwrap();
        tokio::time::sleep(Duration::from_millis(7)).await;
    }
    ended
}

/// Counts of the results of many changes.
#[derive(Default)]
struct Outcomes {
    done: AtomicU32,
    unknown: AtomicU32,
}

/// Increments a counter record, and inserts records that another task inserts as well.
async fn change(store: &PostgresStore, ids: &str, outcomes: &Outcomes) {
    for n in 0..60 {
        let id = format!("{ids}-{n}");
        let rivals = [store.insert(record(&id), NOW), store.insert(record(&id), NOW)];
        let made = futures::future::join_all(rivals).await;
        assert!(made.iter().filter(|it| **it == Ok(true)).count() <= 1, "{made:?}");
        if made.contains(&Ok(true)) {
            let stored = read(store, &id).await;
            assert!(stored.is_some(), "{id} was acknowledged");
        }
        let Some(stored) = read(store, "count").await else { panic!("it was made") };
        let count: u32 = std::str::from_utf8(&stored.record.value).unwrap().parse().unwrap();
        let next = (count + 1).to_string().into();
        let outcome = match store
            .compare_and_swap(stored.version, Record { value: next, ..stored.record }, NOW)
            .await
        {
            Ok(true) => &outcomes.done,
            Ok(false) => continue,
            Err(_) => &outcomes.unknown,
        };
        outcome.fetch_add(1, Ordering::SeqCst);
    }
}

/// Reads a record, retrying until a connection lives long enough.
async fn read(store: &PostgresStore, id: &str) -> Option<VersionedRecord> {
    loop {
        if let Ok(stored) = store.get(&key(id), NOW).await {
            return stored;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_connection_lost_within_an_operation_neither_repeats_nor_loses_it() {
    let url = postgres().database().await;
    let store = Arc::new(open(&url));
    store.migrate().await.unwrap();
    store.insert(Record { value: "0".into(), ..record("count") }, NOW).await.unwrap();
    let (outcomes, stop) = (Arc::new(Outcomes::default()), Arc::new(AtomicBool::new(false)));
    let stopping = Arc::clone(&stop);
    let axing = tokio::spawn(async move { terminate(&url, &stopping).await });
    let changing = (0..6).map(|n| {
        let (store, outcomes) = (Arc::clone(&store), Arc::clone(&outcomes));
        tokio::spawn(async move { change(&store, &n.to_string(), &outcomes).await })
    });
    for changed in changing.collect::<Vec<_>>() {
        changed.await.unwrap();
    }
    stop.store(true, Ordering::SeqCst);
    let ended = axing.await.unwrap();
    let [done, unknown] = [&outcomes.done, &outcomes.unknown].map(|it| it.load(Ordering::SeqCst));
    let value = read(&store, "count").await.unwrap().record.value;
    let count: u32 = std::str::from_utf8(&value).unwrap().parse().unwrap();
    println!("{ended} connections ended: {done} counted, {unknown} unknown, {count} there");
    assert!(done > 0 && ended > 10, "{done} {ended}");
    assert!((done..=done + unknown).contains(&count), "{done} {unknown} {count}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn serialization_failures_are_retried() {
    type Race = fn(SharedStore) -> Pin<Box<dyn Future<Output = ()> + Send>>;
    let races: [Race; 3] = [
        |store| Box::pin(contract::one_of_many_inserts_wins(store)),
        |store| Box::pin(contract::one_of_many_takes_wins(store)),
        |store| Box::pin(contract::one_of_many_swaps_wins(store)),
    ];
    for race in races {
        // The default isolation level of CockroachDB.
        let url = postgres().database().await;
        let strict = "-c%20default_transaction_isolation%3Dserializable";
        let store = open(&format!("{url}?options={strict}"));
        store.migrate().await.unwrap();
        race(Arc::new(store)).await;
    }
}

#[tokio::test]
async fn locked_rows_are_waited_for_in_time_and_skipped_by_purge() {
    let store = prepared().await;
    store.insert(record("a"), NOW).await.unwrap();
    let stored = store.get(&key("a"), NOW).await.unwrap().unwrap();
    let mut other = store.pool.begin().await.unwrap();
    other.execute("SELECT 1 FROM lanyard_records FOR UPDATE").await.unwrap();
    let later = NOW.plus(Duration::from_hours(2));
    assert_eq!(store.purge(10, later).await, Ok(0));
    let waits = sqlx::query("UPDATE lanyard_records SET expires_at = expires_at");
    let refused = store.change(waits).await.unwrap_err().to_string();
    assert!(refused.contains("statement timeout"), "the server's own bound: {refused}");
    let start = Stopwatch::start();
    let refused = store.compare_and_swap(stored.version, record("a"), NOW).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    other.rollback().await.unwrap();
    assert_eq!(store.compare_and_swap(stored.version, record("a"), NOW).await, Ok(true));
}
