//! Freeing space: in small steps, so that no request waits behind a long one.

use std::{sync::Arc, time::Duration};

use crate::model::Clock;

use super::SharedStore;

/// Between two looks for expired records.
const PURGE_INTERVAL: Duration = Duration::from_secs(10);
/// Records a step.
const BATCH_SIZE: usize = 256;

/// Purges until it is dropped. A store that does not answer is tried again at the next look; its
/// other callers report it.
pub async fn purge_regularly(store: SharedStore, clock: Arc<dyn Clock>) {
    loop {
        tokio::time::sleep(PURGE_INTERVAL).await;
        loop {
            match store.purge(BATCH_SIZE, clock.now()).await {
                Ok(BATCH_SIZE..) => tokio::task::yield_now().await,
                Ok(_) => break,
                Err(error) => {
                    tracing::debug!(%error, "expired records were not purged");
                    break;
                }
            }
        }
    }
}
