//! Opens the store that the flags select, and migrates it while this replica holds the Lease.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use tokio::sync::watch;

use crate::{
    cli::{SecretText, StoreArgs, StoreKind},
    model::Entropy,
    store::{
        EmbeddedStore, FairStore, MeasuredStore, MemoryStore, PostgresOptions, PostgresStore,
        SharedStore, StoreError, ValkeyOptions, ValkeyStore, refresh_shares_regularly,
    },
    telemetry::Metrics,
};

/// Capacity of the memory store: a few hundred megabytes.
const MEMORY_RECORDS: usize = 1_000_000;
/// Interval between migration attempts, and the limit of the check at startup.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// Opens the store. `file` is the default path of the embedded store; `metrics` reports the
/// requests in flight, which may still write. Runs in the context of the runtime.
pub(super) fn open_store(
    args: &StoreArgs,
    file: &Path,
    entropy: &Arc<dyn Entropy>,
    metrics: &Arc<Metrics>,
) -> Result<SharedStore> {
    if args.has_unused_size() {
        bail!(
            "--store-size: the memory and valkey stores do not use it; remove it, and limit a valkey server by its \
             maxmemory"
        );
    }
    Ok(match args.store {
        StoreKind::Memory => Arc::new(MemoryStore::new(&**entropy, MEMORY_RECORDS)),
        StoreKind::Embedded => {
            let file = args.store_path.as_deref().unwrap_or(file);
            let metrics = Arc::clone(metrics);
            let at_work = move || metrics.requests_in_flight();
            let store = EmbeddedStore::open(file, &**entropy, at_work).context(
                "sessions and grants cannot be kept; --store-path names their file, and with \
                 --store memory a restart signs all users out",
            )?;
            tracing::info!(file = %file.display(), "opened the store");
            shared_fairly(store.with_capacity(args.store_size))
        }
        StoreKind::Postgres => {
            let options = PostgresOptions {
                url: args.postgres_url.as_ref().map_or("", SecretText::expose).to_owned(),
                ca: args.postgres_ca.clone(),
                connections: args.postgres_connections,
            };
            let store = PostgresStore::new(&options, Arc::clone(entropy))?;
            shared_fairly(store.with_capacity(args.store_size))
        }
        StoreKind::Valkey => {
            let options = ValkeyOptions {
                url: args.valkey_url.as_ref().map_or("", SecretText::expose).to_owned(),
                ca: args.valkey_ca.clone(),
                allow_loss: args.valkey_allow_loss,
            };
            shared_fairly(ValkeyStore::new(&options, Arc::clone(entropy))?)
        }
    })
}

/// Shares the space of a store between tenants, once its size is known.
fn shared_fairly(store: impl MeasuredStore + 'static) -> SharedStore {
    let store = Arc::new(FairStore::new(Arc::new(store)));
    tokio::spawn(refresh_shares_regularly(Arc::clone(&store)));
    store
}

/// Fails if the server is reachable and not suitable for a store. An unreachable server is checked
/// when it answers; until then this replica is not ready.
pub(super) async fn refuse_unsuitable(args: &StoreArgs, store: &SharedStore) -> Result<()> {
    if args.store != StoreKind::Valkey {
        return Ok(());
    }
    match tokio::time::timeout(RETRY_INTERVAL, store.state()).await {
        Ok(Err(error @ StoreError::Unsuitable(_))) => bail!("--store valkey: {error}"),
        Ok(Ok(_) | Err(_)) | Err(_) => Ok(()),
    }
}

/// Upgrades the store, then migrates it whenever this replica becomes the leader. Retries each until
/// it succeeds.
pub(super) async fn keep_migrated(store: SharedStore, mut leads: watch::Receiver<bool>) {
    while let Err(error) = store.upgrade().await {
        tracing::warn!(%error, "could not upgrade the store; retrying");
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
    while leads.wait_for(|leads| *leads).await.is_ok() {
        match store.migrate().await {
            Ok(()) => {
                if leads.wait_for(|leads| !*leads).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "could not migrate the store; retrying");
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
        }
    }
}
