//! The snapshot in force: swapped whole, read without a lock.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::Snapshot;

/// Where the snapshot in force is found. Clones share it.
#[derive(Clone, Debug)]
pub struct SnapshotHandle {
    current: Arc<ArcSwap<Snapshot>>,
    revision: watch::Sender<u64>,
}

impl Default for SnapshotHandle {
    fn default() -> Self {
        Self::new()
    }
}

impl SnapshotHandle {
    /// A handle with an empty snapshot, which serves nothing.
    pub fn new() -> Self {
        Self {
            current: Arc::new(ArcSwap::from_pointee(Snapshot::default())),
            revision: watch::Sender::new(0),
        }
    }

    /// The snapshot in force; a request keeps one from start to end.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Puts a snapshot in force and tells those who wait for changes.
    pub fn publish(&self, snapshot: Snapshot) {
        let revision = snapshot.revision;
        self.current.store(Arc::new(snapshot));
        self.revision.send_replace(revision);
    }

    /// Tells of each new snapshot.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }
}
