//! Measures the space of the file, and counts that of each tenant.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use redb::{ReadTransaction, ReadableTable as _, ReadableTableMetadata as _, TableStats};

use super::{
    EmbeddedStore,
    tables::{DUE, EXPIRY, EmbeddedError, OWNERS, RECORDS},
    writer::writer_unavailable,
};
use crate::store::{MeasuredStore, SpaceUsage, StoreError, StoreSpace, encoding};

/// The size of the volume that the file is on.
#[derive(Default)]
pub(super) struct VolumeSize {
    /// The size in bytes, if it is known.
    bytes: Option<u64>,
    /// The file was found to take more than this size.
    is_wrong: AtomicBool,
}

impl EmbeddedStore {
    /// Sets the size in bytes of the volume that the file is on.
    #[must_use]
    pub fn with_capacity(mut self, capacity: Option<u64>) -> Self {
        self.volume.bytes = capacity;
        self
    }
}

#[async_trait]
impl MeasuredStore for EmbeddedStore {
    async fn space(&self) -> Result<Option<StoreSpace>, StoreError> {
        let Some(capacity) = self.volume.bytes else { return Ok(None) };
        if self.volume.is_wrong.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let used = self.shared.file.allocated_bytes();
        let used = used.map_err(|error| writer_unavailable(&format!("its file: {error}")))?;
        if used > capacity {
            self.volume.is_wrong.store(true, Ordering::Relaxed);
            tracing::warn!(
                "the file of the store takes {used} bytes, so its volume is larger than the {capacity} bytes of \
                 --store-size. Tenants do not share its space fairly until --store-size names the size of the volume, \
                 with its unit"
            );
            return Ok(None);
        }
        Ok(Some(StoreSpace { capacity, used }))
    }

    async fn usage_by_tenant(&self) -> Result<SpaceUsage, StoreError> {
        self.walk(count_by_tenant).await
    }
}

/// Reads all records. Their tenants share the pages of all tables in proportion.
fn count_by_tenant(transaction: &ReadTransaction) -> Result<SpaceUsage, EmbeddedError> {
    let records = transaction.open_table(RECORDS)?;
    let mut usage = SpaceUsage::default();
    for entry in records.iter()? {
        let (key, row) = entry?;
        let Some(tenant) = encoding::key_tenant(key.value()) else { continue };
        let length = key.value().len().saturating_add(row.value().len());
        usage.add(&tenant, 1, u64::try_from(length).unwrap_or(u64::MAX));
    }
    let tables = [
        records.stats()?,
        transaction.open_table(OWNERS)?.stats()?,
        transaction.open_table(EXPIRY)?.stats()?,
        transaction.open_table(DUE)?.stats()?,
    ];
    Ok(usage.scaled_to(tables.iter().map(page_bytes).sum()))
}

/// The bytes of a table's pages.
fn page_bytes(table: &TableStats) -> u64 {
    table.stored_bytes() + table.metadata_bytes() + table.fragmented_bytes()
}
