//! Watches the folders for changes.

use std::{
    path::PathBuf,
    sync::{
        Arc, Weak,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::Duration,
};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher, event::ModifyKind};

use super::FolderSource;

/// How long changes are collected: editors write a file in several steps.
const DEBOUNCE: Duration = Duration::from_millis(40);
/// Interval at which the folders are polled in any case, because some file systems send no events.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// A change that the system reports for one of the folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FsEvent {
    /// The content of the folders may have changed.
    Change,
    /// A folder was removed. A new folder in its place is not watched yet.
    Gone,
}

/// Watches the folders on a thread that ends with the source.
pub(super) fn spawn_folder_watcher(directory: &Arc<FolderSource>) {
    let (sender, changes) = channel();
    let folders = [directory.manifests.clone(), directory.state.clone()];
    let roots = folders.clone();
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if let Some(heard) = event.ok().and_then(|event| counts(&event, &roots)) {
            let _ = sender.send(heard);
        }
    });
    let watcher = watcher.and_then(|mut watcher| follow(&mut watcher, &folders).map(|()| watcher));
    if let Err(error) = &watcher {
        tracing::warn!(%error, "cannot watch the folder; polling every two seconds instead");
    }
    let weak = Arc::downgrade(directory);
    thread::Builder::new()
        .name("manifests".to_owned())
        .spawn(move || run(&weak, &changes, watcher.ok(), &folders))
        .expect("a thread can be started");
}

/// Classifies an event. Reading causes events too, and the store's file in the state folder changes
/// with every sign-in. Only changes of manifests are reported; otherwise the debounce would never end.
fn counts(event: &notify::Event, roots: &[PathBuf]) -> Option<FsEvent> {
    let database = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "redb");
    let only_database = !event.paths.is_empty() && event.paths.iter().all(database);
    if event.kind.is_access() || only_database {
        return None;
    }
    let moved = matches!(event.kind, EventKind::Modify(ModifyKind::Name(_)));
    let root = event.paths.iter().any(|path| roots.contains(path));
    Some(if root && (moved || event.kind.is_remove()) { FsEvent::Gone } else { FsEvent::Change })
}

/// Watches folders, again if they were watched before.
fn follow(watcher: &mut RecommendedWatcher, folders: &[PathBuf]) -> notify::Result<()> {
    for folder in folders {
        // Another folder may have the name now.
        let _ = watcher.unwatch(folder);
        watcher.watch(folder, RecursiveMode::Recursive)?;
    }
    Ok(())
}

fn run(
    directory: &Weak<FolderSource>,
    changes: &Receiver<FsEvent>,
    mut watcher: Option<RecommendedWatcher>,
    folders: &[PathBuf],
) {
    let mut gone = false;
    loop {
        match changes.recv_timeout(POLL_INTERVAL) {
            Ok(heard) => {
                gone |= heard == FsEvent::Gone;
                while let Ok(heard) = changes.recv_timeout(DEBOUNCE) {
                    gone |= heard == FsEvent::Gone;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            // Without a watcher there are no events, so poll.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(POLL_INTERVAL),
        }
        let Some(directory) = directory.upgrade() else { return };
        if let Some(watcher) = watcher.as_mut().filter(|_| gone) {
            // The poll detects when the folder exists again.
            gone = follow(watcher, folders).is_err();
        }
        directory.reload();
    }
}
