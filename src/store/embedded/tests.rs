use std::{fs, os::unix::fs::MetadataExt as _, sync::Arc, time::Duration};

use bytes::Bytes;
use redb::{ReadableDatabase as _, ReadableTableMetadata as _};
use tempfile::TempDir;

use super::*;
use crate::{
    model::SystemEntropy,
    store::{
        FairStore, MeasuredStore as _, SharedStore, StoreLayer,
        contract::{self, NOW, key, record},
        encoding,
    },
};

/// A store and its temporary folder, which is deleted with it.
#[derive(Debug)]
struct Temporary(EmbeddedStore, #[expect(dead_code, reason = "kept until the store goes")] TempDir);

impl StoreLayer for Temporary {
    fn inner(&self) -> &dyn Store {
        &self.0
    }
}

contract::suite!(async {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).unwrap();
    Arc::new(Temporary(store, folder)) as SharedStore
});

fn open(folder: &TempDir) -> Result<EmbeddedStore, StoreFileError> {
    EmbeddedStore::open(&folder.path().join("store.redb"), &SystemEntropy::new(), || 0)
}

#[tokio::test]
async fn a_tenant_cannot_use_up_the_space_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let capacity = 8 * 1024 * 1024;
    let store = open(&folder).unwrap().with_capacity(Some(capacity));
    contract::a_tenant_cannot_use_up_the_space_of_others(&FairStore::new(Arc::new(store))).await;
    let used = fs::metadata(folder.path().join("store.redb")).unwrap().blocks() * 512;
    assert!(used < capacity, "the file takes {used} bytes of {capacity}");
}

#[tokio::test]
async fn a_size_that_the_file_exceeds_is_taken_for_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).unwrap().with_capacity(Some(20));
    for _ in 0..2 {
        assert_eq!(store.space().await, Ok(None));
    }
    drop(store);
    let store = open(&folder).unwrap().with_capacity(Some(100 << 20));
    let space = store.space().await.unwrap().expect("the size is larger than the file");
    assert_eq!(space.capacity, 90 << 20, "the rest is for the file system");
}

#[tokio::test]
async fn every_record_is_counted_for_its_tenant() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).unwrap();
    for id in ["a", "b", "c", "d"] {
        let mut record = record(id);
        if id == "d" {
            record.key.tenant = TenantId::new("team", "other");
        }
        store.insert(record, NOW).await.unwrap();
    }
    let usage = store.usage_by_tenant().await.unwrap();
    for limit in [1, 2, 3, 4] {
        assert_eq!(store.count_in_slices(limit).await, Ok(usage.clone()), "slices of {limit}");
    }
    let [main, other] = ["main", "other"].map(|name| usage.by_tenant[&TenantId::new("team", name)]);
    assert!(main > 2 * other && other > 0 && main + other == usage.used, "{usage:?}");
    let large = Record { value: vec![7; 5000].into(), ..record("large") };
    store.insert(large, NOW).await.unwrap();
    let with_large = store.usage_by_tenant().await.unwrap();
    assert!(with_large.used - usage.used >= 8192, "a large row takes whole pages: {with_large:?}");
    assert_eq!(store.space().await, Ok(None), "the size of the volume is not known");
}

/// Changes the file without the store.
fn write(database: &redb::Database, work: impl FnOnce(&redb::WriteTransaction)) {
    let transaction = database.begin_write().unwrap();
    work(&transaction);
    transaction.commit().unwrap();
}

#[tokio::test]
async fn records_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).unwrap();
    let incarnation = store.state().await.unwrap().incarnation;
    for id in ["kept", "taken"] {
        assert_eq!(store.insert(record(id), NOW).await, Ok(true));
    }
    let spent = store.take(&key("taken"), NOW).await.unwrap().unwrap();
    let stored = store.get(&key("kept"), NOW).await.unwrap().unwrap();
    drop(store);

    let store = open(&folder).unwrap();
    assert_eq!(store.state().await.unwrap().incarnation, incarnation);
    assert_eq!(store.get(&key("kept"), NOW).await, Ok(Some(stored)));
    assert_eq!(store.get(&key("taken"), NOW).await, Ok(None));
    let tenant = key("kept").tenant;
    let found = store.list(RecordKind::Session, &tenant, &record("kept").owners[0], NOW).await;
    assert_eq!(found.unwrap().len(), 1);
    store.insert(record("taken"), NOW).await.unwrap();
    assert_eq!(
        store.compare_and_swap(spent.version, record("taken"), NOW).await,
        Ok(false),
        "a version of old"
    );
    assert_eq!(store.purge(10, NOW.plus(Duration::from_hours(2))).await, Ok(2));
}

#[tokio::test]
async fn the_due_index_is_repaired_after_an_earlier_release_wrote_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = open(&folder).unwrap();
    let due = |id: &str| Record { due_at: Some(NOW), ..record(id) };
    store.insert(due("stays"), NOW).await.unwrap();
    drop(store);
    let database = redb::Database::open(&path).unwrap();
    write(&database, |transaction| {
        let taken = encoding::encode_key(&key("taken"));
        transaction.open_table(tables::DUE).unwrap().insert(("session", 1, &*taken), ()).unwrap();
    });
    drop(database);
    for _ in 0..2 {
        let store = open(&folder).unwrap();
        let entries = |database: &redb::Database| {
            Ok(database.begin_read()?.open_table(tables::DUE)?.len()?)
        };
        assert_eq!(store.shared.with(entries).unwrap(), 1);
        let listed = store.list_due(RecordKind::Session, NOW..=NOW, 10, NOW).await.unwrap().records;
        assert_eq!(listed.into_iter().map(|it| it.record).collect::<Vec<_>>(), [due("stays")]);
        drop(store);
    }
    let database = redb::Database::open(&path).unwrap();
    write(&database, |transaction| {
        transaction.delete_table(tables::DUE).unwrap();
    });
    drop(database);
    let store = open(&folder).unwrap();
    assert_eq!(
        store.list_due(RecordKind::Session, NOW..=NOW, 10, NOW).await,
        Ok(DueRecords::default())
    );
    assert!(store.get(&key("stays"), NOW).await.unwrap().is_some());
}

#[tokio::test]
async fn damaged_records_do_not_hide_due_ones() {
    let folder = tempfile::tempdir().unwrap();
    let due = Record { due_at: Some(NOW), ..record("due") };
    let store = open(&folder).unwrap();
    store.insert(due.clone(), NOW).await.unwrap();
    let damage = |transaction: &redb::WriteTransaction| {
        let damaged = encoding::encode_key(&key("damaged"));
        let mut records = transaction.open_table(tables::RECORDS).unwrap();
        records.insert(&*damaged, &[1_u8][..]).unwrap();
        let mut times = transaction.open_table(tables::DUE).unwrap();
        for key in [&damaged[..], b"no key"] {
            times.insert(("session", NOW.millis(), key), ()).unwrap();
        }
    };
    store
        .shared
        .with(|database| {
            write(database, damage);
            Ok(())
        })
        .unwrap();
    // Readers see a write of the test with the next one of the store.
    store.insert(record("other"), NOW).await.unwrap();
    let listed = store.list_due(RecordKind::Session, NOW..=NOW, 10, NOW).await.unwrap();
    assert_eq!(listed.skipped, 2);
    assert_eq!(listed.records.into_iter().map(|it| it.record).collect::<Vec<_>>(), [due]);
}

#[tokio::test]
async fn lists_and_single_reads_are_of_the_same_commit() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).unwrap();
    let due = Record { due_at: Some(NOW), ..record("a") };
    store.insert(due, NOW).await.unwrap();
    let seen = async || {
        let Record { key, owners, .. } = record("a");
        let found = store.get(&key, NOW).await.unwrap();
        let listed = store.list(RecordKind::Session, &key.tenant, &owners[0], NOW).await.unwrap();
        let due = store.list_due(RecordKind::Session, NOW..=NOW, 10, NOW).await.unwrap();
        (usize::from(found.is_some()), listed.len(), due.records.len())
    };
    assert_eq!(seen().await, (1, 1, 1));
    let remove = |database: &redb::Database| {
        write(database, |transaction| {
            let removed = encoding::encode_key(&key("a"));
            transaction.open_table(tables::RECORDS).unwrap().remove(&*removed).unwrap();
        });
        Ok(())
    };
    store.shared.with(remove).unwrap();
    assert_eq!(seen().await, (1, 1, 1), "the store has not shown the commit yet");
    store.insert(record("b"), NOW).await.unwrap();
    let (found, _, due) = seen().await;
    assert_eq!((found, due), (0, 0));
}

#[tokio::test]
async fn a_reopened_file_is_read_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).unwrap();
    store.insert(record("a"), NOW).await.unwrap();
    for id in ["b", "c"] {
        let failure = redb::Error::Io(std::io::Error::other("lost"));
        store.shared.reopen(&EmbeddedError::File(Box::new(failure)));
        assert!(store.get(&key("a"), NOW).await.unwrap().is_some(), "what was committed");
        let tenant = key("a").tenant;
        let listed = store.list(RecordKind::Session, &tenant, &record("a").owners[0], NOW).await;
        assert!(!listed.unwrap().is_empty());
        assert_eq!(store.insert(record(id), NOW).await, Ok(true));
        assert!(store.get(&key(id), NOW).await.unwrap().is_some(), "the new file is shown");
    }
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(&folder).unwrap();
    let refused = open(&folder).unwrap_err();
    assert!(matches!(refused, StoreFileError::InUse(_)), "{refused}");
    assert_eq!(first.insert(record("a"), NOW).await, Ok(true), "the first goes on");
    drop(first);
    open(&folder).unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_left_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = open(&folder).unwrap();
    for n in 0..200 {
        let value = Bytes::from(vec![7; 2000]);
        store.insert(Record { value, ..record(&n.to_string()) }, NOW).await.unwrap();
    }
    drop(store);
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    let row = whole.windows(2000).position(|bytes| bytes == vec![7; 2000]).expect("a row");
    flipped[row] = 8;
    let samples: [(&str, Vec<u8>); 4] = [
        ("empty", Vec::new()),
        ("text", b"not a store at all".repeat(1000)),
        ("cut", whole[..whole.len() / 2].to_vec()),
        ("flipped", flipped),
    ];
    for (name, bytes) in samples {
        fs::write(&path, &bytes).unwrap();
        let refused = open(&folder).expect_err(name);
        assert!(matches!(refused, StoreFileError::Damaged { .. }), "{name}: {refused}");
        assert!(refused.to_string().contains("backup"), "{refused}");
        assert!(path.exists(), "{name}");
        if name != "flipped" {
            assert_eq!(fs::read(&path).unwrap(), bytes, "{name}");
        }
    }
    fs::write(&path, &whole).unwrap();
    assert!(open(&folder).unwrap().get(&key("199"), NOW).await.unwrap().is_some());
}

#[tokio::test]
async fn a_newer_format_is_refused_and_left_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    drop(open(&folder).unwrap());
    let database = redb::Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(tables::ABOUT).unwrap().insert("format", "2").unwrap();
    transaction.commit().unwrap();
    drop(database);
    for _ in 0..2 {
        let refused = open(&folder).unwrap_err();
        assert!(
            matches!(&refused, StoreFileError::Newer { format, .. } if format == "2"),
            "{refused}"
        );
    }
}

#[test]
fn an_interrupted_creation_is_repeated() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("store.redb.new"), b"half").unwrap();
    open(&folder).unwrap();
    assert!(!folder.path().join("store.redb.new").exists());
}

#[cfg(unix)]
#[test]
fn the_file_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    open(&folder).unwrap();
    let mode = fs::metadata(folder.path().join("store.redb")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

fn job(
    operation: WriteOperation,
) -> (WriteJob, oneshot::Receiver<Result<WriteOutcome, StoreError>>) {
    let (answer, answered) = oneshot::channel();
    (WriteJob { operation, now: NOW, answer }, answered)
}

#[test]
fn a_batch_is_decided_in_order_and_visible_after_commit() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).unwrap();
    let operations = [
        WriteOperation::Insert(record("a")),
        WriteOperation::Insert(record("a")),
        WriteOperation::Swap(1, record("a")),
        WriteOperation::Swap(1, record("a")),
        WriteOperation::Take(key("a")),
        WriteOperation::Insert(record("b")),
    ];
    let batch: Vec<WriteJob> = operations.into_iter().map(|operation| job(operation).0).collect();
    let outcomes = store.shared.commit(&batch).unwrap();
    let done = |n: usize| matches!(outcomes[n], WriteOutcome::Done(true));
    assert_eq!([0, 1, 2, 3, 5].map(done), [true, false, true, false, true]);
    assert!(matches!(&outcomes[4], WriteOutcome::Taken(Some(it)) if it.version == 2));
}

#[tokio::test]
async fn a_failed_batch_fails_all_its_operations_and_the_next_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).unwrap();
    store.insert(record("bad"), NOW).await.unwrap();
    let damage = |database: &redb::Database| {
        write(database, |transaction| {
            let bad = encoding::encode_key(&key("bad"));
            transaction.open_table(tables::RECORDS).unwrap().insert(&*bad, &[][..]).unwrap();
        });
        Ok(())
    };
    store.shared.with(damage).unwrap();
    let (first, first_answer) = job(WriteOperation::Insert(record("a")));
    let (second, second_answer) = job(WriteOperation::Take(key("bad")));
    let (jobs, queue) = mpsc::channel(2);
    jobs.try_send(first).ok().unwrap();
    jobs.try_send(second).ok().unwrap();
    drop(jobs);
    let shared = Arc::clone(&store.shared);
    thread::spawn(move || writer::run_writer(&shared, queue, || 0)).join().unwrap();
    for answer in [first_answer, second_answer] {
        assert!(matches!(answer.await.unwrap(), Err(StoreError::Unavailable(_))));
    }
    assert_eq!(store.get(&key("a"), NOW).await, Ok(None), "nothing of the batch is there");
    assert_eq!(store.insert(record("a"), NOW).await, Ok(true));
}
