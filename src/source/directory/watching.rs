//! Following changes of the folders.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Weak,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::Duration,
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::Directory;

/// How long changes are gathered: editors write a file in several steps.
const GATHER: Duration = Duration::from_millis(40);
/// How often the folders are looked at even if nothing was heard: some file systems tell nothing.
const POLL: Duration = Duration::from_secs(2);

/// Follows the folders on a thread that ends with the source.
pub(super) fn spawn(directory: &Arc<Directory>) {
    let (told, changes) = channel();
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| counts(&event)) {
            let _ = told.send(());
        }
    });
    let watcher =
        watcher.and_then(|watcher| follow(watcher, &directory.manifests, &directory.state));
    if let Err(error) = &watcher {
        tracing::warn!(%error, "cannot watch the folder; it is looked at every two seconds instead");
    }
    let weak = Arc::downgrade(directory);
    thread::Builder::new()
        .name("manifests".to_owned())
        .spawn(move || {
            run(&weak, &changes);
            drop(watcher);
        })
        .expect("the system starts a thread at start-up");
}

/// Reading is an event too, and the store's file beside the state changes with every sign-in: only
/// what may have changed a manifest counts, or there would never be the quiet that a reload awaits.
fn counts(event: &notify::Event) -> bool {
    let database = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "redb");
    let only_database = !event.paths.is_empty() && event.paths.iter().all(database);
    !event.kind.is_access() && !only_database
}

fn follow(
    mut watcher: RecommendedWatcher,
    manifests: &Path,
    state: &Path,
) -> notify::Result<RecommendedWatcher> {
    watcher.watch(manifests, RecursiveMode::Recursive)?;
    watcher.watch(state, RecursiveMode::Recursive)?;
    Ok(watcher)
}

fn run(directory: &Weak<Directory>, changes: &Receiver<()>) {
    loop {
        match changes.recv_timeout(POLL) {
            Ok(()) => while changes.recv_timeout(GATHER).is_ok() {},
            Err(RecvTimeoutError::Timeout) => {}
            // Nobody tells any more, as there is no watcher: the folders are polled.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(POLL),
        }
        let Some(directory) = directory.upgrade() else { return };
        directory.reload();
    }
}
