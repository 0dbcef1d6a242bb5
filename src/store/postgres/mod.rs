//! The store of several replicas: PostgreSQL, or a database that speaks its protocol. An operation
//! is one statement, so it is atomic and takes one round trip.
//!
//! Must not: log or return the URL, which contains a password.

mod failure;
mod migrate;
mod row;
mod space;
mod sql;
#[cfg(test)]
mod tests;

use std::{fmt, ops::RangeInclusive, path::PathBuf, str::FromStr as _, sync::Arc, time::Duration};

use async_trait::async_trait;
use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _, PgPool, Row as _,
    pool::PoolConnection,
    postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgSslMode},
    query::Query,
};
use tokio::sync::OnceCell;

use super::{
    CLOCK_SKEW, DueRecords, IndexEntry, MAX_LISTED, Record, RecordKey, RecordKind, Store,
    StoreError, StoreState, UnusableCa, VersionedRecord, ca,
    retry::{random_version, resolve_unknown, with_retries, with_timeout},
};
use crate::model::{Entropy, TenantId, Timestamp};
use failure::PostgresError;
use migrate::SchemaInfo;
use row::{encoded_owners, keyed_query, owner_entry, stored_of_any_tenant, stored_record};
use space::DatabaseSize;

/// Limit for acquiring or opening a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// Connections that were idle for this long are checked before use.
const IDLE_CHECK_INTERVAL: Duration = Duration::from_secs(3);
/// Timeouts that the server enforces, so no statement continues after its caller gave up.
const SESSION_SETTINGS: &str = "SET statement_timeout = '3s'";

/// Connection settings of the database.
pub struct PostgresOptions {
    /// The URL, such as `postgres://user:password@host:5432/database?sslmode=verify-full`.
    pub url: String,
    /// CA certificates (PEM). If set, the server's name is checked against its certificate.
    pub ca: Option<PathBuf>,
    /// Most connections that this replica opens at once.
    pub connections: u32,
}

/// The connection settings are invalid.
#[derive(Debug, thiserror::Error)]
pub enum UnusablePostgres {
    /// The URL is invalid. The message does not repeat it, because it contains a password.
    #[error(
        "--postgres-url: write postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full"
    )]
    Url,
    /// The CA certificates cannot be used.
    #[error("--postgres-ca: {0}")]
    Ca(#[from] UnusableCa),
}

/// A store in a PostgreSQL database.
pub struct PostgresStore {
    pool: PgPool,
    entropy: Arc<dyn Entropy>,
    /// The incarnation, cached after the first read: that of a database does not change.
    incarnation: OnceCell<String>,
    size: DatabaseSize,
}

impl PostgresStore {
    /// A store that connects on first use.
    pub fn new(
        options: &PostgresOptions,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, UnusablePostgres> {
        let mut connect = PgConnectOptions::from_str(&options.url)
            .map_err(|_| UnusablePostgres::Url)?
            .application_name("lanyard")
            .disable_statement_logging();
        if let Some(ca) = &options.ca {
            // Read for each new connection, so the certificates can be replaced.
            ca::read_ca_file(ca)?;
            connect = connect.ssl_root_cert(ca).ssl_mode(PgSslMode::VerifyFull);
        }
        let pool = PgPoolOptions::new()
            .max_connections(options.connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(|connection, about| {
                Box::pin(async move {
                    if about.idle_for > IDLE_CHECK_INTERVAL {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(SESSION_SETTINGS).await.map(drop) })
            })
            .connect_lazy_with(connect);
        Ok(Self { pool, entropy, incarnation: OnceCell::new(), size: DatabaseSize::default() })
    }

    /// Runs a statement that writes, and returns the number of changed rows.
    async fn change(
        &self,
        query: Query<'_, sqlx::Postgres, PgArguments>,
    ) -> Result<u64, PostgresError> {
        let mut connection = self.pool.acquire().await?;
        let done = query.execute(&mut *connection).await.map_err(PostgresError::from);
        Ok(left_if_read_only(connection, done)?.rows_affected())
    }

    /// Runs a statement that writes at most one row; returns true if it did.
    async fn write(
        &self,
        statement: &'static str,
        record: &Record,
        now: Timestamp,
        replaced: Option<i64>,
    ) -> Result<bool, StoreError> {
        let version = random_version(&*self.entropy);
        let owners = &encoded_owners(record);
        let attempt = || async move {
            let mut query = keyed_query(statement, &record.key)
                .bind(&record.value[..])
                .bind(version.cast_signed())
                .bind(record.expires_at.millis())
                .bind(owners)
                .bind(record.due_at.map(Timestamp::millis))
                .bind(now.millis());
            if let Some(replaced) = replaced {
                query = query.bind(replaced);
            }
            Ok::<_, PostgresError>(self.change(query).await? > 0)
        };
        let outcome = with_timeout(with_retries(true, attempt)).await?;
        resolve_unknown(outcome, self, (&record.key, version), now).await
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

/// Closes a connection whose server refuses writes. After a fail-over, the address leads to the new
/// primary, but existing connections still lead to the old one.
fn left_if_read_only<T>(
    mut connection: PoolConnection<sqlx::Postgres>,
    done: Result<T, PostgresError>,
) -> Result<T, PostgresError> {
    done.inspect_err(|failure| {
        if failure.is_read_only() {
            connection.close_on_drop();
        }
    })
}

#[async_trait]
impl Store for PostgresStore {
    async fn insert(&self, record: Record, now: Timestamp) -> Result<bool, StoreError> {
        record.check_size()?;
        self.write(sql::INSERT, &record, now, None).await
    }

    async fn get(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError> {
        let attempt = || async move {
            let found =
                keyed_query(sql::GET, key).bind(now.millis()).fetch_optional(&self.pool).await?;
            found.map(|row| stored_record(&row, key.kind, &key.tenant)).transpose()
        };
        Ok(with_timeout(with_retries(true, attempt)).await?.0)
    }

    async fn take(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError> {
        let attempt = || async move {
            let query = keyed_query(sql::TAKE, key).bind(now.millis());
            let mut connection = self.pool.acquire().await?;
            let gone = query.fetch_optional(&mut *connection).await.map_err(PostgresError::from);
            left_if_read_only(connection, gone)?
                .map(|row| stored_record(&row, key.kind, &key.tenant))
                .transpose()
        };
        Ok(with_timeout(with_retries(false, attempt)).await?.0)
    }

    async fn compare_and_swap(
        &self,
        version: u64,
        record: Record,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        record.check_size()?;
        let Ok(replaced) = i64::try_from(version) else { return Ok(false) };
        self.write(sql::SWAP, &record, now, Some(replaced)).await
    }

    async fn list(
        &self,
        kind: RecordKind,
        tenant: &TenantId,
        owner: &IndexEntry,
        now: Timestamp,
    ) -> Result<Vec<VersionedRecord>, StoreError> {
        let entry = &owner_entry(kind, tenant, owner);
        let attempt = || async move {
            let query = sqlx::query(sql::LIST)
                .bind(entry)
                .bind(now.millis())
                .bind(i64::try_from(MAX_LISTED).unwrap_or(i64::MAX));
            let rows = query.fetch_all(&self.pool).await?;
            rows.iter().map(|row| stored_record(row, kind, tenant)).collect()
        };
        Ok(with_timeout(with_retries(true, attempt)).await?.0)
    }

    async fn list_due(
        &self,
        kind: RecordKind,
        due: RangeInclusive<Timestamp>,
        limit: usize,
        now: Timestamp,
    ) -> Result<DueRecords, StoreError> {
        let due = &due;
        let attempt = || async move {
            let query = sqlx::query(sql::LIST_DUE)
                .bind(kind.as_str())
                .bind(due.start().millis())
                .bind(due.end().millis())
                .bind(now.millis())
                .bind(i64::try_from(limit).unwrap_or(i64::MAX));
            let rows = query.fetch_all(&self.pool).await?;
            let records = rows.iter().map(|row| stored_of_any_tenant(row, kind));
            Ok::<_, PostgresError>(DueRecords::of(records))
        };
        Ok(with_timeout(with_retries(true, attempt)).await?.0)
    }

    async fn purge(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        let attempt = || async move {
            let query = sqlx::query(sql::PURGE)
                .bind(now.minus(CLOCK_SKEW).millis())
                .bind(i64::try_from(limit).unwrap_or(i64::MAX));
            self.change(query).await
        };
        let (gone, _) = with_timeout(with_retries(true, attempt)).await?;
        Ok(usize::try_from(gone).unwrap_or(usize::MAX))
    }

    async fn state(&self) -> Result<StoreState, StoreError> {
        let attempt = || async move {
            let about = SchemaInfo::read(&self.pool).await?;
            let time = sqlx::query(sql::TIME).fetch_one(&self.pool).await?.try_get("now")?;
            Ok::<_, PostgresError>((about.unwrap_or_default(), Timestamp::from_millis(time)))
        };
        let ((about, time), _) = with_timeout(with_retries(true, attempt)).await?;
        about.check()?;
        Ok(StoreState { incarnation: about.incarnation, time: Some(time) })
    }

    async fn incarnation(&self) -> Result<String, StoreError> {
        let read = || async { Ok(self.state().await?.incarnation) };
        self.incarnation.get_or_try_init(read).await.cloned()
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        migrate::migrate_schema(&self.pool, &self.entropy.id()).await?;
        migrate::tune_autovacuum(&self.pool).await;
        Ok(())
    }

    async fn upgrade(&self) -> Result<(), StoreError> {
        match SchemaInfo::read(&self.pool).await? {
            Some(schema) if schema.format < sql::FORMAT => self.migrate().await,
            _ => Ok(()),
        }
    }
}
