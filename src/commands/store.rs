//! Opens the store that the flags name.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result};

use crate::{
    cli::{StoreArgs, StoreKind},
    model::Entropy,
    store::{EmbeddedStore, MemoryStore, SharedStore},
};

/// Records that the memory store takes: some hundreds of megabytes.
const MEMORY_RECORDS: usize = 1_000_000;

/// Opens it; `file` is where the embedded one is if no flag says so.
pub(super) fn open(args: &StoreArgs, file: &Path, entropy: &dyn Entropy) -> Result<SharedStore> {
    Ok(match args.store {
        StoreKind::Memory => Arc::new(MemoryStore::new(entropy, MEMORY_RECORDS)),
        StoreKind::Embedded => {
            let file = args.store_path.as_deref().unwrap_or(file);
            let store = EmbeddedStore::open(file, entropy).context(
                "sessions and grants cannot be kept; --store-path names their file, and with \
                 --store memory a restart signs everybody out",
            )?;
            tracing::info!(file = %file.display(), "the store is open");
            Arc::new(store)
        }
    })
}
