//! Measures the memory of the server, and counts that of each tenant.

use std::{sync::atomic::Ordering, time::Duration};

use async_trait::async_trait;

use super::{ValkeyCommand, ValkeyStore, failure::ValkeyError, scripts, server::memory_space};
use crate::store::{
    MeasuredStore, SpaceUsage, StoreError, StoreSpace, encoding,
    retry::{with_retries, with_timeout},
};

/// Records in a step of a count. The server runs nothing else during a step, which takes about a millisecond.
const STEP_RECORDS: usize = 500;
/// Pause between two steps, in which the server runs the commands of others.
const STEP_PAUSE: Duration = Duration::from_millis(5);

#[async_trait]
impl MeasuredStore for ValkeyStore {
    async fn space(&self) -> Result<Option<StoreSpace>, StoreError> {
        if self.is_uncountable.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let attempt = || self.execute::<String>(|_| ValkeyCommand::MemoryInfo);
        let (info, _) = with_timeout(with_retries(true, attempt)).await?;
        Ok(memory_space(&info))
    }

    /// If the server does not permit a count, nothing is counted, and the space is unknown from then on.
    async fn usage_by_tenant(&self) -> Result<SpaceUsage, StoreError> {
        let mut usage = SpaceUsage::default();
        let mut cursor = 0;
        loop {
            let (next, lengths) = match self.record_lengths(cursor).await {
                Err(error) if is_not_permitted(&error) => {
                    self.is_uncountable.store(true, Ordering::Relaxed);
                    tracing::warn!(
                        %error,
                        "the server does not permit to count records, so tenants do not share its memory fairly; \
                         permit the user ZSCAN and STRLEN, and restart the replicas"
                    );
                    return Ok(SpaceUsage::default());
                }
                step => step?,
            };
            for (key, length) in lengths {
                let Some(tenant) = encoding::key_tenant(&key) else { continue };
                let key_length = u64::try_from(key.len()).unwrap_or(u64::MAX);
                usage.add(&tenant, 1, length.saturating_add(key_length));
            }
            if next == 0 {
                break;
            }
            cursor = next;
            tokio::time::sleep(STEP_PAUSE).await;
        }
        // The rest of the memory belongs to no tenant, but is not free either.
        let used = self.space().await?.map_or(0, |space| space.used);
        usage.used = usage.used.max(used);
        Ok(usage)
    }
}

fn is_not_permitted(error: &StoreError) -> bool {
    let StoreError::Unavailable(cause) = error else { return false };
    cause.downcast_ref::<ValkeyError>().is_some_and(ValkeyError::is_not_permitted)
}

impl ValkeyStore {
    /// Returns the next cursor, and the keys and lengths of some records. A record may be among several steps.
    async fn record_lengths(&self, cursor: u64) -> Result<(u64, Vec<(Vec<u8>, u64)>), StoreError> {
        let attempt = || {
            self.execute::<(u64, Vec<(Vec<u8>, u64)>)>(move |_| {
                let mut run = scripts::LENGTHS.prepare_invoke();
                run.arg(cursor).arg(STEP_RECORDS);
                ValkeyCommand::Run(run)
            })
        };
        Ok(with_timeout(with_retries(true, attempt)).await?.0)
    }
}
