//! Projection: each new view becomes the snapshot in force. Runs on every replica, writes nothing.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::spawn_blocking, time::sleep};

use super::{BuildCache, Handle, build};
use crate::{
    api::View,
    model::{Clock, Installation},
};

/// How long after a build further changes are gathered: a burst costs a few builds, and the first
/// change of a burst none of this wait.
const GATHER: Duration = Duration::from_millis(20);

/// Rebuilds the snapshot whenever the view's revision changes; ends when the source does. Nothing
/// is put in force before every first list is in.
pub async fn project(
    mut views: watch::Receiver<Arc<View>>,
    handle: Handle,
    installation: Arc<Installation>,
    clock: Arc<dyn Clock>,
) {
    let cache = Arc::new(BuildCache::default());
    let mut built = 0;
    loop {
        let view = Arc::clone(&views.borrow_and_update());
        // Before the first lists are in, an object might be missing that another depends on.
        if view.health.synced && view.revision != built {
            built = view.revision;
            let (cache, installation) = (Arc::clone(&cache), Arc::clone(&installation));
            let now = clock.now();
            // Thousands of objects take milliseconds: too long on a thread that drives connections.
            let snapshot = spawn_blocking(move || {
                build(&view.objects, &installation, &cache, view.revision, now)
            })
            .await;
            match snapshot {
                Ok(snapshot) => handle.publish(snapshot),
                Err(error) => {
                    tracing::error!(%error, "building the snapshot failed; the last one stays in force");
                }
            }
            sleep(GATHER).await;
        }
        if views.changed().await.is_err() {
            return;
        }
    }
}
