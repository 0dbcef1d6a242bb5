mod faults;
mod tls;

use bytes::Bytes;
use sqlx::Row as _;

use super::*;
use crate::{
    model::SystemEntropy,
    store::{
        FairStore, MeasuredStore as _,
        contract::{self, NOW, key, record},
        test_servers::postgres,
    },
};

contract::suite!(async { Arc::new(prepared().await) });

fn open(url: &str) -> PostgresStore {
    let options = PostgresOptions { url: url.to_owned(), ca: None, connections: 8 };
    PostgresStore::new(&options, Arc::new(SystemEntropy::new())).unwrap()
}

/// A store on a new database.
async fn prepared() -> PostgresStore {
    let store = open(&postgres().database().await);
    store.migrate().await.unwrap();
    store
}

#[tokio::test]
async fn a_tenant_cannot_use_up_the_space_of_others() {
    let store = prepared().await.with_capacity(Some(8 * 1024 * 1024));
    contract::a_tenant_cannot_use_up_the_space_of_others(&FairStore::new(Arc::new(store))).await;
}

#[tokio::test]
async fn every_record_is_counted_for_its_tenant() {
    let store = prepared().await;
    assert_eq!(store.space().await, Ok(None), "its size is not known");
    for id in ["a", "b", "c", "d"] {
        let mut record = record(id);
        if id == "d" {
            record.key.tenant = TenantId::new("team", "other");
        }
        store.insert(record, NOW).await.unwrap();
    }
    let usage = store.usage_by_tenant().await.unwrap();
    let [main, other] = ["main", "other"].map(|name| usage.by_tenant[&TenantId::new("team", name)]);
    assert!(other > 0, "{usage:?}");
    assert_eq!((main, usage.used), (3 * other, 4 * other));
}

/// `CockroachDB` and `YugabyteDB` do not have all functions of PostgreSQL.
#[tokio::test]
async fn a_missing_function_is_recognized() {
    let store = prepared().await;
    let failed = async |statement: &'static str| {
        PostgresError::from(
            sqlx::query(statement).fetch_one(&store.pool).await.map(drop).unwrap_err(),
        )
    };
    assert!(failed("SELECT no_such_function('lanyard_records')").await.is_missing_function());
    let failure = failed("SELECT size FROM no_such_table").await;
    assert!(!failure.is_missing_function() && failure.is_missing_table());
}

#[tokio::test]
async fn is_unavailable_until_the_leader_creates_the_tables() {
    let store = open(&postgres().database().await).with_capacity(Some(1 << 30));
    assert!(matches!(store.state().await, Err(StoreError::Unavailable(_))));
    assert_eq!(store.space().await, Ok(None), "of a table that does not exist");
    assert!(matches!(store.insert(record("a"), NOW).await, Err(StoreError::Unavailable(_))));
    store.migrate().await.unwrap();
    assert!(store.space().await.unwrap().is_some());
    let made = store.state().await.unwrap();
    store.insert(record("a"), NOW).await.unwrap();
    store.migrate().await.unwrap();
    assert_eq!(store.state().await.unwrap().incarnation, made.incarnation, "made once");
    assert!(store.get(&key("a"), NOW).await.unwrap().is_some());
}

#[tokio::test]
async fn an_older_release_works_while_the_newer_format_allows_it() {
    let store = prepared().await;
    let tell = async |name: &str, value: &str| {
        sqlx::query(sql::SET_ABOUT).bind(name).bind(value).execute(&store.pool).await.unwrap();
    };
    tell("format", "3").await;
    store.state().await.unwrap();
    store.migrate().await.unwrap();
    assert_eq!(SchemaInfo::read(&store.pool).await.unwrap().unwrap().format, 3, "never lowered");
    tell("works_with", "3").await;
    let refused = store.state().await.unwrap_err().to_string();
    assert!(refused.contains("format 3"), "{refused}");
}

/// During a roll-out a replica of the earlier release may hold the Lease.
#[tokio::test]
async fn any_replica_upgrades_the_schema_of_an_earlier_release() {
    let store = open(&postgres().database().await);
    store.upgrade().await.unwrap();
    assert!(store.state().await.is_err(), "an empty database waits for the holder of the Lease");
    let first = &sql::MIGRATIONS[0];
    store.pool.execute(sql::CREATE_ABOUT).await.unwrap();
    for statement in first.statements {
        store.pool.execute(*statement).await.unwrap();
    }
    for (name, value) in [("format", "1"), ("works_with", "1"), ("incarnation", "first-release")] {
        sqlx::query(sql::SET_ABOUT).bind(name).bind(value).execute(&store.pool).await.unwrap();
    }
    let earlier_insert = "INSERT INTO lanyard_records
            (kind, tenant, id, value, version, expires_at, owners)
        VALUES ('session', 'team/main', 'a', 'value', 7, 1900003600000,
            ARRAY['session team/main user:ada'::bytea])";
    store.pool.execute(earlier_insert).await.unwrap();
    assert!(store.state().await.is_err());
    store.upgrade().await.unwrap();
    assert_eq!(store.state().await.unwrap().incarnation, "first-release");
    let stored = store.get(&key("a"), NOW).await.unwrap().unwrap();
    assert_eq!(stored, VersionedRecord { record: record("a"), version: 7 });
    let due = Record { due_at: Some(NOW), ..record("a") };
    assert_eq!(store.compare_and_swap(7, due.clone(), NOW).await, Ok(true));
    let earlier_swap = "UPDATE lanyard_records SET value = 'next', version = 8 WHERE id = 'a'";
    store.pool.execute(earlier_swap).await.unwrap();
    let listed = store.list_due(RecordKind::Session, NOW..=NOW, 10, NOW).await.unwrap().records;
    let next = Record { value: Bytes::from_static(b"next"), ..due };
    assert_eq!(listed, [VersionedRecord { record: next, version: 8 }]);
}

#[tokio::test]
async fn damaged_records_do_not_hide_due_ones() {
    let store = prepared().await;
    let due = Record { due_at: Some(NOW), ..record("due") };
    store.insert(due.clone(), NOW).await.unwrap();
    let damage = "INSERT INTO lanyard_records
            (kind, tenant, id, value, version, expires_at, owners, due_at)
        SELECT kind, 'no-namespace', id, value, version, expires_at, owners, due_at
        FROM lanyard_records";
    store.pool.execute(damage).await.unwrap();
    let listed = store.list_due(RecordKind::Session, NOW..=NOW, 10, NOW).await.unwrap();
    assert_eq!(listed.skipped, 1);
    assert_eq!(listed.records.into_iter().map(|it| it.record).collect::<Vec<_>>(), [due]);
}

#[tokio::test]
async fn an_unreachable_server_is_reported_in_time_without_the_password() {
    let store = open("postgres://lanyard:hunter2@127.0.0.1:1/lanyard");
    let refused = store.get(&key("a"), NOW).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)));
    assert!(!format!("{refused} {refused:?} {store:?}").contains("hunter2"));
    let options = PostgresOptions { url: "mysql//hunter2".to_owned(), ca: None, connections: 1 };
    let refused = PostgresStore::new(&options, Arc::new(SystemEntropy::new())).unwrap_err();
    assert!(!refused.to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_swap_without_indexed_changes_updates_no_index() {
    let url = postgres().database().await;
    let options = PostgresOptions { url, ca: None, connections: 1 };
    let store = PostgresStore::new(&options, Arc::new(SystemEntropy::new())).unwrap();
    store.migrate().await.unwrap();
    store.insert(record("a"), NOW).await.unwrap();
    for expires_at in [record("a").expires_at, record("a").expires_at.plus(IDLE_CHECK_INTERVAL)] {
        let stored = store.get(&key("a"), NOW).await.unwrap().unwrap();
        let next = Record { value: Bytes::from_static(b"next"), expires_at, ..record("a") };
        assert_eq!(store.compare_and_swap(stored.version, next, NOW).await, Ok(true));
    }
    // Statistics belong to the connection that reported them, and the pool has one connection.
    store.pool.execute("SELECT pg_stat_force_next_flush()").await.unwrap();
    let counted = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables
        WHERE relname = 'lanyard_records'";
    let counted = sqlx::query(counted).fetch_one(&store.pool).await.unwrap();
    let counted: (i64, i64) = (counted.get("n_tup_upd"), counted.get("n_tup_hot_upd"));
    assert_eq!(counted, (2, 1), "only the one that moved the expiry wrote to indexes");
}

#[tokio::test]
async fn index_entries_are_not_left_pending() {
    let store = prepared().await;
    let settings = "SELECT reloptions FROM pg_class WHERE relname = 'lanyard_records_owners'";
    let settings = sqlx::query(settings).fetch_one(&store.pool).await.unwrap();
    assert_eq!(settings.get::<Vec<String>, _>("reloptions"), ["fastupdate=off"]);
}

#[tokio::test]
async fn lists_and_purges_use_indexes() {
    let store = prepared().await;
    let plan = async |statement: &str| {
        let mut connection = store.pool.acquire().await.unwrap();
        connection.execute("SET enable_seqscan = off").await.unwrap();
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN {statement}"));
        let rows = sqlx::query(explain).fetch_all(&mut *connection).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>(0)).collect::<Vec<_>>().join("\n")
    };
    let list = sql::LIST
        .replace("$1::bytea", "'session team/main user:ada'::bytea")
        .replace("$2", "1")
        .replace("$3", "10");
    let listed = plan(&list).await;
    assert!(listed.contains("lanyard_records_owners"), "{listed}");
    let due = sql::LIST_DUE
        .replace("$1", "'logout'")
        .replace("$2", "1")
        .replace("$3", "2")
        .replace("$4", "1")
        .replace("$5", "10");
    let due = plan(&due).await;
    assert!(due.contains("lanyard_records_due") && !due.contains("Sort"), "{due}");
    let purged = plan(&sql::PURGE.replace("$1", "1").replace("$2", "10")).await;
    assert!(purged.contains("lanyard_records_expiry"), "{purged}");
}
