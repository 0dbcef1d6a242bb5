//! Measures the space of the file, and counts that of each tenant.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use redb::{ReadTransaction, ReadableDatabase as _};

use super::{
    EmbeddedStore,
    tables::{EmbeddedError, RECORDS},
    writer::writer_unavailable,
};
use crate::store::{MeasuredStore, SpaceUsage, StoreError, StoreSpace, encoding};

/// Records in a slice of a count. Each slice has a separate read transaction, because a transaction keeps the pages
/// that writers replace in the meantime, and the file cannot be reopened during one.
const SLICE_RECORDS: usize = 4096;
/// The size of a page of redb, in bytes.
const PAGE_BYTES: u64 = 4096;
/// The bytes of a page that has one row, besides its key and value, at most.
const PAGE_HEADER: u64 = 32;

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

    /// Counts the records by tenant, a number of them at a time. A record that changes in the meantime may be missed.
    pub(super) async fn count_in_slices(&self, limit: usize) -> Result<SpaceUsage, StoreError> {
        let (mut usage, mut from) = (SpaceUsage::default(), Some(Vec::new()));
        while let Some(start) = from {
            let slice = self.read(move |shared| {
                shared.with(|database| count_slice(&database.begin_read()?, usage, &start, limit))
            });
            (usage, from) = slice.await?;
        }
        Ok(usage)
    }
}

#[async_trait]
impl MeasuredStore for EmbeddedStore {
    async fn space(&self) -> Result<Option<StoreSpace>, StoreError> {
        let Some(size) = self.volume.bytes else { return Ok(None) };
        if self.volume.is_wrong.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let used = self.shared.file.allocated_bytes();
        let used = used.map_err(|error| writer_unavailable(&format!("its file: {error}")))?;
        if used > size {
            self.volume.is_wrong.store(true, Ordering::Relaxed);
            tracing::warn!(
                "the file of the store takes {used} bytes, so its volume is larger than the {size} bytes of \
                 --store-size. Tenants do not share its space fairly until --store-size names the size of the volume, \
                 with its unit"
            );
            return Ok(None);
        }
        Ok(Some(StoreSpace { capacity: usable_bytes(size), used }))
    }

    async fn usage_by_tenant(&self) -> Result<SpaceUsage, StoreError> {
        self.count_in_slices(SLICE_RECORDS).await
    }
}

/// Counts at most `limit` records whose keys are not before `from`. Returns the key to go on from, if there are more.
fn count_slice(
    transaction: &ReadTransaction,
    mut usage: SpaceUsage,
    from: &[u8],
    limit: usize,
) -> Result<(SpaceUsage, Option<Vec<u8>>), EmbeddedError> {
    let records = transaction.open_table(RECORDS)?;
    for (number, entry) in records.range::<&[u8]>(from..)?.enumerate() {
        let (key, row) = entry?;
        if number == limit {
            return Ok((usage, Some(key.value().to_vec())));
        }
        let Some(tenant) = encoding::key_tenant(key.value()) else { continue };
        let length = key.value().len().saturating_add(row.value().len());
        usage.add(&tenant, 1, page_bytes(u64::try_from(length).unwrap_or(u64::MAX)));
    }
    Ok((usage, None))
}

/// The bytes of a volume that the file can take. The rest is for the file system's own data and reserved blocks, and
/// for pages that are replaced but not free yet.
const fn usable_bytes(size: u64) -> u64 {
    size / 10 * 9
}

/// The space of a row in the pages of its table. A row that does not fit twice into a page has pages of its own, whose
/// size is a power of two.
const fn page_bytes(length: u64) -> u64 {
    if length > PAGE_BYTES / 2 {
        length.saturating_add(PAGE_HEADER).next_power_of_two()
    } else {
        length
    }
}
