//! Opens the store that the flags name, and has it prepared where the Lease is held.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use tokio::sync::watch;

use crate::{
    cli::{SecretText, StoreArgs, StoreKind},
    model::Entropy,
    store::{
        EmbeddedStore, MemoryStore, PostgresOptions, PostgresStore, SharedStore, StoreError,
        ValkeyOptions, ValkeyStore,
    },
    telemetry::Metrics,
};

/// Records that the memory store takes: some hundreds of megabytes.
const MEMORY_RECORDS: usize = 1_000_000;
/// Between two tries to prepare a store, and the longest that one is asked at the start.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// Opens it; `file` is where the embedded one is if no flag says so, and `metrics` tells it of the
/// requests that may come to write.
pub(super) fn open(
    args: &StoreArgs,
    file: &Path,
    entropy: &Arc<dyn Entropy>,
    metrics: &Arc<Metrics>,
) -> Result<SharedStore> {
    Ok(match args.store {
        StoreKind::Memory => Arc::new(MemoryStore::new(&**entropy, MEMORY_RECORDS)),
        StoreKind::Embedded => {
            let file = args.store_path.as_deref().unwrap_or(file);
            let metrics = Arc::clone(metrics);
            let at_work = move || metrics.requests_in_flight();
            let store = EmbeddedStore::open(file, &**entropy, at_work).context(
                "sessions and grants cannot be kept; --store-path names their file, and with \
                 --store memory a restart signs everybody out",
            )?;
            tracing::info!(file = %file.display(), "the store is open");
            Arc::new(store)
        }
        StoreKind::Postgres => {
            let options = PostgresOptions {
                url: args.postgres_url.as_ref().map_or("", SecretText::expose).to_owned(),
                ca: args.postgres_ca.clone(),
                connections: args.postgres_connections,
            };
            Arc::new(PostgresStore::new(&options, Arc::clone(entropy))?)
        }
        StoreKind::Valkey => {
            let options = ValkeyOptions {
                url: args.valkey_url.as_ref().map_or("", SecretText::expose).to_owned(),
                ca: args.valkey_ca.clone(),
                allow_loss: args.valkey_allow_loss,
            };
            Arc::new(ValkeyStore::new(&options, Arc::clone(entropy))?)
        }
    })
}

/// Refuses a server that would not keep records, where it can be asked at once. One that cannot is
/// judged when it answers, and until then this replica is not ready.
pub(super) async fn refuse_unsuitable(args: &StoreArgs, store: &SharedStore) -> Result<()> {
    if args.store != StoreKind::Valkey {
        return Ok(());
    }
    match tokio::time::timeout(RETRY_INTERVAL, store.state()).await {
        Ok(Err(error @ StoreError::Unsuitable(_))) => bail!("--store valkey: {error}"),
        Ok(Ok(_) | Err(_)) | Err(_) => Ok(()),
    }
}

/// Prepares the store whenever this replica comes to lead, until that succeeds.
pub(super) async fn prepare_when_leading(store: SharedStore, mut leads: watch::Receiver<bool>) {
    while leads.wait_for(|leads| *leads).await.is_ok() {
        match store.migrate().await {
            Ok(()) => {
                if leads.wait_for(|leads| !*leads).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the store could not be prepared; trying again");
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
        }
    }
}
