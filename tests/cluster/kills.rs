//! `kill -9` of the embedded store at random moments under load: every acknowledged write survives,
//! and no taken record reappears. `LANYARD_KILLS` sets the number of kills (25).

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use crate::support::turns;

use lanyard::{
    model::{Entropy as _, SystemEntropy, TenantId, Timestamp},
    store::{EmbeddedStore, IndexEntry, IndexKind, Record, RecordKey, RecordKind, Store as _},
};

const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);
/// Set for the child process that is killed: the first id of this round, and the file.
const CHILD: &str = "LANYARD_KILLS_CHILD";
const WRITERS: u8 = 16;

fn key(n: u64) -> RecordKey {
    RecordKey::new(RecordKind::Grant, &TenantId::new("team", "main"), n.to_string())
}

fn record(n: u64, value: &str) -> Record {
    Record {
        key: key(n),
        value: value.to_owned().into(),
        expires_at: NOW.plus(Duration::from_hours(1)),
        owners: vec![IndexEntry::new(IndexKind::User, format!("user-{}", n % 7))],
        due_at: None,
    }
}

/// Reports an operation to the parent in a single write to a pipe, which survives a kill.
fn say(word: &str, n: u64) {
    let line = format!("\n@{word} {n}\n");
    std::io::stdout().write_all(line.as_bytes()).expect("the parent reads");
}

/// Writes until it is killed. Reports each take before it begins, and each acknowledged operation.
async fn write(store: Arc<EmbeddedStore>, first: u64) {
    for n in (first..).step_by(WRITERS.into()) {
        if store.insert(record(n, "first"), NOW).await == Ok(true) {
            say("inserted", n);
        }
        if n % 3 == 0 {
            say("taking", n);
            if matches!(store.take(&key(n), NOW).await, Ok(Some(_))) {
                say("taken", n);
            }
        } else if n % 3 == 1 {
            let held = store.get(&key(n), NOW).await.expect("readable").expect("it was inserted");
            if store.compare_and_swap(held.version, record(n, "second"), NOW).await == Ok(true) {
                say("swapped", n);
            }
        }
    }
}

#[test]
fn child() {
    let _turn = turns::of("kills");
    let Ok(task) = env::var(CHILD) else { return };
    let (first, path) = task.split_once(' ').expect("two words");
    let first: u64 = first.parse().expect("a number");
    let store = Arc::new(
        EmbeddedStore::open(Path::new(path), &SystemEntropy::new(), || WRITERS.into())
            .expect("opens"),
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads");
    runtime.block_on(async {
        let writers: Vec<_> = (0..u64::from(WRITERS))
            .map(|n| tokio::spawn(write(Arc::clone(&store), first + n)))
            .collect();
        for writer in writers {
            writer.await.expect("it writes until it is killed");
        }
    });
}

/// The operations that the killed processes reported.
#[derive(Default)]
struct Said {
    inserted: BTreeSet<u64>,
    taking: BTreeSet<u64>,
    taken: BTreeSet<u64>,
    swapped: BTreeSet<u64>,
}

impl Said {
    fn hear(&mut self, line: &str) {
        let Some((word, n)) = line.strip_prefix('@').and_then(|it| it.split_once(' ')) else {
            return;
        };
        let n = n.parse().expect("a whole line");
        let set = match word {
            "inserted" => &mut self.inserted,
            "taking" => &mut self.taking,
            "taken" => &mut self.taken,
            "swapped" => &mut self.swapped,
            _ => panic!("{line}"),
        };
        set.insert(n);
    }

    async fn check(&self, store: &EmbeddedStore) {
        for n in &self.inserted {
            let found = store.get(&key(*n), NOW).await.expect("readable");
            if self.taken.contains(n) {
                assert_eq!(found, None, "{n} was taken but is stored again");
            } else if !self.taking.contains(n) {
                let found = found.unwrap_or_else(|| panic!("{n} was acknowledged but is lost"));
                if self.swapped.contains(n) {
                    assert_eq!(found.record.value, "second", "{n}");
                }
            }
        }
    }
}

/// Starts a writer, kills it after a while, and collects its reports.
fn round(path: &Path, first: u64, life: Duration, said: &mut Said) {
    let mut child = Command::new(env::current_exe().expect("it runs"))
        .args(["--exact", "kills::child", "--nocapture"])
        .env(CHILD, format!("{first} {}", path.display()))
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut hear = |said: &mut Said| match lines.next() {
        Some(Ok(line)) => {
            said.hear(&line);
            Some(line.starts_with('@'))
        }
        _ => None,
    };
    while hear(said) == Some(false) {}
    let killer = thread::spawn(move || {
        thread::sleep(life);
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    });
    while hear(said).is_some() {}
    killer.join().expect("it was killed");
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_a_kill() {
    let _turn = turns::of("kills");
    let rounds: u64 = env::var("LANYARD_KILLS").map_or(25, |text| text.parse().expect("a number"));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.redb");
    let (mut said, mut versions) = (Said::default(), BTreeMap::new());
    let mut incarnation = None;
    for n in 0..rounds {
        let mut random = [0];
        SystemEntropy::new().fill(&mut random);
        let life = Duration::from_micros(u64::from(random[0]) * 400);
        round(&path, n * 1_000_000, life, &mut said);
        let store =
            EmbeddedStore::open(&path, &SystemEntropy::new(), || WRITERS.into()).expect("it opens");
        said.check(&store).await;
        let state = store.state().await.expect("it works");
        let first = incarnation.get_or_insert(state.incarnation.clone());
        assert_eq!(*first, state.incarnation, "it is the same store");
        let probe = 1_000_000 * rounds + n;
        store.insert(record(probe, "probe"), NOW).await.expect("it takes writes");
        let version = store.get(&key(probe), NOW).await.expect("readable").expect("there").version;
        assert!(versions.insert(version, n).is_none(), "a version was used twice");
    }
    println!(
        "{rounds} kills: {} acknowledged inserts, {} takes, {} swaps",
        said.inserted.len(),
        said.taken.len(),
        said.swapped.len()
    );
    assert!(said.inserted.len() > 100, "hardly anything was written");
}
