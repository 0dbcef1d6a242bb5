use std::io::Write as _;

use super::*;
use crate::{
    model::SystemEntropy,
    store::{
        FairStore, MeasuredStore as _, SpaceUsage,
        contract::{self, NOW, key, record},
        test_servers::{Valkey, valkey_database},
    },
};

contract::suite!(async { Arc::new(open(&valkey_database(), false)) });

/// Flags of a server that keeps acknowledged writes even if it crashes. With `everysec` it answers
/// before it writes while the previous sync runs, and such a write may be lost.
const JOURNAL: &str = "--appendonly yes --appendfsync always";

fn open(url: &str, allow_loss: bool) -> ValkeyStore {
    let options = ValkeyOptions { url: url.to_owned(), ca: None, allow_loss };
    ValkeyStore::new(&options, Arc::new(SystemEntropy::new())).unwrap()
}

/// A connection that bypasses the store.
async fn directly(url: &str) -> redis::aio::MultiplexedConnection {
    Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap()
}

async fn keys(url: &str) -> Vec<String> {
    let mut keys: Vec<String> =
        redis::cmd("KEYS").arg("*").query_async(&mut directly(url).await).await.unwrap();
    keys.sort();
    keys
}

#[tokio::test]
async fn acknowledged_writes_survive_a_server_crash() {
    let mut server = Valkey::start(JOURNAL);
    let store = open(&server.url(), false);
    store.insert(record("a"), NOW).await.unwrap();
    let (stored, name) = (store.get(&key("a"), NOW).await.unwrap(), store.incarnation().await);
    assert!(stored.is_some());
    server.kill();
    let refused = store.get(&key("a"), NOW).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
    server.resume(JOURNAL);
    assert_eq!(store.get(&key("a"), NOW).await.unwrap(), stored);
    assert_eq!(store.incarnation().await, name);
}

#[tokio::test]
async fn a_server_that_lost_its_records_has_a_new_incarnation() {
    let mut server = Valkey::start("");
    let store = open(&server.url(), true);
    store.insert(record("a"), NOW).await.unwrap();
    let before = store.incarnation().await.unwrap();
    server.kill();
    server.resume("");
    assert_eq!(store.get(&key("a"), NOW).await, Ok(None));
    assert_ne!(store.incarnation().await.unwrap(), before);
}

#[tokio::test]
async fn writes_to_an_emptied_store_fail_until_its_new_incarnation_is_read() {
    let url = valkey_database();
    let store = open(&url, false);
    store.insert(record("a"), NOW).await.unwrap();
    let before = store.incarnation().await.unwrap();
    let () = redis::cmd("FLUSHDB").query_async(&mut directly(&url).await).await.unwrap();
    let refused = store.insert(record("a"), NOW).await.unwrap_err().to_string();
    assert!(refused.contains("no longer has the records"), "{refused}");
    assert_ne!(store.incarnation().await.unwrap(), before);
    assert_eq!(store.insert(record("a"), NOW).await, Ok(true));
}

#[tokio::test]
async fn refuses_servers_that_lose_or_evict_records() {
    for (flags, word) in [
        ("", "appendonly"),
        ("--appendonly yes --maxmemory 100mb --maxmemory-policy allkeys-lru", "noeviction"),
    ] {
        let server = Valkey::start(flags);
        let strict = open(&server.url(), false);
        let refused = strict.insert(record("a"), NOW).await.unwrap_err();
        let StoreError::Unsuitable(why) = refused else { panic!("{refused:?}") };
        assert!(why.contains(word) && why.contains("--valkey-allow-loss"), "{why}");
        assert_eq!(keys(&server.url()).await, Vec::<String>::new(), "nothing was written");
        assert_eq!(open(&server.url(), true).insert(record("a"), NOW).await, Ok(true));
    }
}

#[tokio::test]
async fn detects_that_a_server_began_to_evict() {
    let server = Valkey::start(JOURNAL);
    let store = open(&server.url(), false);
    store.state().await.unwrap();
    for (name, value) in [("maxmemory-policy", "allkeys-lru"), ("maxmemory", "100mb")] {
        let mut change = redis::cmd("CONFIG");
        let change = change.arg("SET").arg(name).arg(value);
        let () = change.query_async(&mut directly(&server.url()).await).await.unwrap();
    }
    assert!(matches!(store.state().await, Err(StoreError::Unsuitable(_))));
}

#[tokio::test]
async fn a_full_server_refuses_writes_and_loses_nothing() {
    let server = Valkey::start(JOURNAL);
    let store = open(&server.url(), false);
    store.insert(record("a"), NOW).await.unwrap();
    let stored = store.get(&key("a"), NOW).await.unwrap().unwrap();
    let mut full = redis::cmd("CONFIG");
    let full = full.arg("SET").arg("maxmemory").arg(1);
    let () = full.query_async(&mut directly(&server.url()).await).await.unwrap();
    let refused = store.insert(record("b"), NOW).await.unwrap_err().to_string();
    assert!(refused.contains("maxmemory"), "{refused}");
    assert!(store.compare_and_swap(stored.version, record("a"), NOW).await.is_err());
    assert_eq!(store.get(&key("a"), NOW).await.unwrap(), Some(stored));
    assert!(store.take(&key("a"), NOW).await.unwrap().is_some(), "what frees memory is done");
}

#[tokio::test]
async fn a_tenant_cannot_use_up_the_space_of_others() {
    let server = Valkey::start("--appendonly yes --maxmemory 16mb");
    let store = FairStore::new(Arc::new(open(&server.url(), false)));
    contract::a_tenant_cannot_use_up_the_space_of_others(&store).await;
}

#[tokio::test]
async fn a_server_that_does_not_permit_a_count_has_no_shares() {
    let server = Valkey::start("--appendonly yes --maxmemory 16mb");
    let store = open(&server.url(), false);
    store.insert(record("a"), NOW).await.unwrap();
    let mut denied = redis::cmd("ACL");
    let denied = denied.arg("SETUSER").arg("default").arg("-strlen");
    let () = denied.query_async(&mut directly(&server.url()).await).await.unwrap();
    assert!(store.space().await.unwrap().is_some());
    assert_eq!(store.usage_by_tenant().await, Ok(SpaceUsage::default()));
    assert_eq!(store.space().await, Ok(None));
    assert_eq!(store.insert(record("b"), NOW).await, Ok(true));
}

#[tokio::test]
async fn every_record_is_counted_for_its_tenant() {
    let store = open(&valkey_database(), false);
    assert_eq!(store.space().await, Ok(None), "the server has no memory limit");
    let insert = async |tenant: &str, id: usize| {
        let mut record = record(&format!("{id:04}"));
        record.key.tenant = TenantId::new("team", tenant);
        store.insert(record, NOW).await.unwrap();
    };
    insert("one", 0).await;
    let one = store.usage_by_tenant().await.unwrap().by_tenant[&TenantId::new("team", "one")];
    for id in 0..1200 {
        insert("two", id).await;
    }
    let usage = store.usage_by_tenant().await.unwrap();
    assert_eq!(usage.by_tenant[&TenantId::new("team", "one")], one);
    // The lengths of the random versions differ by a byte or two.
    let two = usage.by_tenant[&TenantId::new("team", "two")];
    assert!((1180 * one..1220 * one).contains(&two), "{two} bytes, and {one} of one record");
}

#[tokio::test]
async fn deleted_records_leave_no_keys() {
    let url = valkey_database();
    let store = open(&url, false);
    store.insert(record("taken"), NOW).await.unwrap();
    let due = Record { due_at: Some(NOW), ..record("expired") };
    store.insert(due, NOW).await.unwrap();
    let stored = store.get(&key("expired"), NOW).await.unwrap().unwrap();
    let phone = IndexEntry::new(crate::store::IndexKind::Session, "phone");
    let swapped = Record { owners: vec![phone], due_at: Some(NOW), ..record("expired") };
    store.compare_and_swap(stored.version, swapped, NOW).await.unwrap();
    store.take(&key("taken"), NOW).await.unwrap();
    assert_eq!(store.purge(10, NOW.plus(std::time::Duration::from_hours(2))).await, Ok(1));
    assert_eq!(keys(&url).await, ["lanyard:about"]);
}

/// An earlier release leaves the due times of records that it replaces.
#[tokio::test]
async fn a_record_that_lost_its_due_time_is_still_due() {
    let url = valkey_database();
    let store = open(&url, false);
    store.insert(record("replaced"), NOW).await.unwrap();
    let mut leave = redis::cmd("ZADD");
    let leave = leave.arg("lanyard:due:session").arg(NOW.millis());
    let leave = leave.arg(encoding::encode_key(&key("replaced")));
    let () = leave.query_async(&mut directly(&url).await).await.unwrap();
    let found = store.list_due(RecordKind::Session, NOW..=NOW, 10, NOW).await.unwrap().records;
    let due = Record { due_at: Some(NOW), ..record("replaced") };
    assert_eq!(found.into_iter().map(|it| it.record).collect::<Vec<_>>(), [due]);
}

#[tokio::test]
async fn damaged_records_do_not_hide_due_ones() {
    let url = valkey_database();
    let store = open(&url, false);
    let due = Record { due_at: Some(NOW), ..record("due") };
    store.insert(due.clone(), NOW).await.unwrap();
    for (key, row) in [(encoding::encode_key(&key("damaged")), "short"), (b"no key".to_vec(), "")] {
        let mut damage = redis::cmd("SET");
        let damage = damage.arg([b"lanyard:record:", &key[..]].concat()).arg(row);
        let () = damage.query_async(&mut directly(&url).await).await.unwrap();
        let mut list = redis::cmd("ZADD");
        let list = list.arg("lanyard:due:session").arg(NOW.millis()).arg(key);
        let () = list.query_async(&mut directly(&url).await).await.unwrap();
    }
    let listed = store.list_due(RecordKind::Session, NOW..=NOW, 10, NOW).await.unwrap();
    assert_eq!(listed.skipped, 2);
    assert_eq!(listed.records.into_iter().map(|it| it.record).collect::<Vec<_>>(), [due]);
}

/// An earlier release leaves the due times of records that it takes.
#[tokio::test]
async fn a_due_time_without_a_record_is_removed_when_it_is_found() {
    let url = valkey_database();
    let store = open(&url, false);
    store.state().await.unwrap();
    let mut leave = redis::cmd("ZADD");
    let leave = leave.arg("lanyard:due:session").arg(1).arg(encoding::encode_key(&key("taken")));
    let () = leave.query_async(&mut directly(&url).await).await.unwrap();
    assert_eq!(
        store.list_due(RecordKind::Session, NOW..=NOW, 10, NOW).await,
        Ok(DueRecords::default())
    );
    assert_eq!(keys(&url).await, ["lanyard:about", "lanyard:due:session"]);
    let all = Timestamp::from_millis(0)..=NOW;
    assert_eq!(store.list_due(RecordKind::Session, all, 10, NOW).await, Ok(DueRecords::default()));
    assert_eq!(keys(&url).await, ["lanyard:about"]);
}

#[tokio::test]
async fn a_newer_incompatible_format_is_refused() {
    let url = valkey_database();
    let store = open(&url, false);
    store.state().await.unwrap();
    let tell = async |name: &str| {
        let mut set = redis::cmd("HSET");
        let set = set.arg("lanyard:about").arg(name).arg(2);
        let () = set.query_async(&mut directly(&url).await).await.unwrap();
    };
    tell("format").await;
    store.state().await.unwrap();
    tell("works_with").await;
    let refused = store.state().await.unwrap_err().to_string();
    assert!(refused.contains("format 2"), "{refused}");
}

#[tokio::test]
async fn an_unreachable_server_is_reported_in_time_without_the_password() {
    let store = open("redis://lanyard:hunter2@127.0.0.1:1/0", false);
    let refused = store.get(&key("a"), NOW).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)));
    assert!(!format!("{refused} {refused:?} {store:?}").contains("hunter2"));
    let server = Valkey::start("--appendonly yes --requirepass other");
    let port = server.url().rsplit_once(':').unwrap().1.to_owned();
    let refused = open(&format!("redis://:hunter2@127.0.0.1:{port}"), false).state().await;
    let refused = refused.unwrap_err().to_string();
    assert!(!refused.contains("hunter2") && refused.to_lowercase().contains("auth"), "{refused}");
}

#[tokio::test]
async fn a_tls_server_is_verified_by_its_certificate() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let made = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (its, other) = (made(), made());
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, pem: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path
    };
    let cert = write("its.crt", its.cert.pem());
    let key_file = write("its.key", its.signing_key.serialize_pem());
    let wrong = write("other.crt", other.cert.pem());
    let server = Valkey::start(&format!(
        "--appendonly yes --port 0 --tls-port PORT --tls-auth-clients no \
         --tls-cert-file {0} --tls-ca-cert-file {0} --tls-key-file {1}",
        cert.display(),
        key_file.display()
    ));
    let url = server.url().replace("redis://127.0.0.1", "rediss://localhost");
    let store = |url: &str, ca: Option<PathBuf>| {
        let options = ValkeyOptions { url: url.to_owned(), ca, allow_loss: false };
        ValkeyStore::new(&options, Arc::new(SystemEntropy::new())).unwrap()
    };
    assert_eq!(store(&url, Some(cert.clone())).insert(record("a"), NOW).await, Ok(true));
    assert!(store(&url, Some(wrong)).insert(record("b"), NOW).await.is_err(), "another's");
    assert!(store(&url, None).insert(record("b"), NOW).await.is_err(), "the system's");
    let another_name = url.replace("localhost", "127.0.0.1");
    assert!(store(&another_name, Some(cert)).insert(record("b"), NOW).await.is_err(), "its name");
}

#[test]
fn invalid_settings_are_refused() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"hunter2").unwrap();
    let refused = |url: &str, ca: Option<PathBuf>| {
        let options = ValkeyOptions { url: url.to_owned(), ca, allow_loss: false };
        let entropy = Arc::new(SystemEntropy::new());
        ValkeyStore::new(&options, entropy).unwrap_err().to_string()
    };
    let ca = Some(file.path().to_owned());
    assert!(refused("http://hunter2", None).contains("--valkey-url"));
    assert!(refused("redis://localhost", ca.clone()).contains("rediss://"));
    assert!(refused("rediss://localhost", ca).contains("PEM"));
    assert!(refused("rediss://localhost", Some("/none".into())).contains("/none"));
    assert!(!refused("http://hunter2", None).contains("hunter2"));
}
