//! Deletes expired records in small steps, so no request waits behind a long one.

use std::{sync::Arc, time::Duration};

use crate::model::Clock;

use super::SharedStore;

/// Interval between purges, each of which ends when no expired record is left.
const PURGE_INTERVAL: Duration = Duration::from_secs(10);
/// Most records that one call of `Store::purge` deletes.
const BATCH_SIZE: usize = 256;

/// Purges until the future is dropped. If the store does not answer, the next interval retries; the
/// error is reported by the store's other callers.
pub async fn purge_regularly(store: SharedStore, clock: Arc<dyn Clock>) {
    loop {
        tokio::time::sleep(PURGE_INTERVAL).await;
        loop {
            match store.purge(BATCH_SIZE, clock.now()).await {
                Ok(BATCH_SIZE..) => tokio::task::yield_now().await,
                Ok(_) => break,
                Err(error) => {
                    tracing::debug!(%error, "could not purge expired records");
                    break;
                }
            }
        }
    }
}
