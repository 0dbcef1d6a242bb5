//! Measures the table of records, and counts the space of each tenant.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use sqlx::{Connection as _, Executor as _, Row as _, postgres::PgRow};

use super::{PostgresStore, failure::PostgresError, sql};
use crate::{
    model::{ErrorCause, TenantId},
    store::{
        MeasuredStore, SpaceUsage, StoreError, StoreSpace,
        retry::{with_retries, with_timeout},
    },
};

/// Limit of a count, somewhat longer than the server's (`sql::USAGE_TIMEOUT`).
const COUNT_TIMEOUT: Duration = Duration::from_secs(65);

/// The space that the database has for the store.
#[derive(Default)]
pub(super) struct DatabaseSize {
    /// The size in bytes, if it is known.
    capacity: Option<u64>,
    /// The database was found not to report the size of a table.
    is_unmeasurable: AtomicBool,
}

/// The answer to the question for the size of the table.
enum TableSize {
    Bytes(u64),
    /// The table is not created yet.
    Missing,
    /// The database does not report the size of a table.
    NotReported,
}

impl PostgresStore {
    /// Sets the space in bytes that the database has for the store.
    #[must_use]
    pub fn with_capacity(mut self, capacity: Option<u64>) -> Self {
        self.size.capacity = capacity;
        self
    }

    async fn table_size(&self) -> Result<TableSize, PostgresError> {
        let fetched = sqlx::query(sql::TABLE_SIZE).fetch_one(&self.pool).await;
        let row = match fetched.map_err(PostgresError::from) {
            Ok(row) => row,
            Err(error) if error.is_missing_function() => return Ok(TableSize::NotReported),
            Err(error) if error.is_missing_table() => return Ok(TableSize::Missing),
            Err(error) => return Err(error),
        };
        let size: Option<i64> = row.try_get("size")?;
        let size = size.and_then(|size| u64::try_from(size).ok());
        Ok(size.map_or(TableSize::NotReported, TableSize::Bytes))
    }

    async fn count_rows(&self) -> Result<Vec<PgRow>, PostgresError> {
        // Closed afterwards, because operations must not have this timeout.
        let mut connection = self.pool.acquire().await?.detach();
        connection.execute(sql::USAGE_TIMEOUT).await?;
        let rows = sqlx::query(sql::USAGE).fetch_all(&mut connection).await?;
        connection.close().await?;
        Ok(rows)
    }
}

#[async_trait]
impl MeasuredStore for PostgresStore {
    async fn space(&self) -> Result<Option<StoreSpace>, StoreError> {
        let Some(capacity) = self.size.capacity else { return Ok(None) };
        if self.size.is_unmeasurable.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let (size, _) = with_timeout(with_retries(true, || self.table_size())).await?;
        match size {
            TableSize::Bytes(used) => Ok(Some(StoreSpace { capacity, used })),
            TableSize::Missing => Ok(None),
            TableSize::NotReported => {
                self.size.is_unmeasurable.store(true, Ordering::Relaxed);
                tracing::warn!(
                    "the database does not report the size of a table, so tenants do not share the space \
                     of the store fairly"
                );
                Ok(None)
            }
        }
    }

    async fn usage_by_tenant(&self) -> Result<SpaceUsage, StoreError> {
        let counting = tokio::time::timeout(COUNT_TIMEOUT, self.count_rows()).await;
        let rows = counting.map_err(|_| {
            StoreError::Unavailable(ErrorCause::new("the server does not answer a count"))
        })??;
        let mut usage = SpaceUsage::default();
        for row in rows {
            let (tenant, records, bytes) = tenant_usage(&row)?;
            // Names of Kubernetes objects contain no slash.
            let Some((namespace, name)) = tenant.split_once('/') else { continue };
            usage.add(&TenantId::new(namespace, name), records, bytes);
        }
        Ok(usage)
    }
}

/// The tenant of a row, the number of its records, and the bytes of their ids and values.
fn tenant_usage(row: &PgRow) -> Result<(String, u64, u64), PostgresError> {
    let [records, bytes] = [row.try_get::<i64, _>("records")?, row.try_get("bytes")?]
        .map(|number| u64::try_from(number).unwrap_or_default());
    Ok((row.try_get("tenant")?, records, bytes))
}
