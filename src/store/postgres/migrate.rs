//! Creates the tables, and checks whether this release can use an existing schema.

use std::collections::BTreeMap;

use sqlx::{Executor as _, PgPool, Row as _};

use super::{
    failure::PostgresError,
    sql::{self, FORMAT, MIGRATIONS},
};
use crate::{model::ErrorCause, store::StoreError};

/// The metadata in the database.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SchemaInfo {
    pub(super) format: i64,
    pub(super) works_with: i64,
    pub(super) incarnation: String,
}

impl SchemaInfo {
    /// Reads the metadata; `None` if the tables do not exist yet.
    pub(super) async fn read(pool: &PgPool) -> Result<Option<Self>, PostgresError> {
        let read = sqlx::query(sql::READ_ABOUT).fetch_all(pool).await;
        let rows = match read.map_err(PostgresError::from) {
            Ok(rows) => rows,
            Err(error) if error.is_missing_table() => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut values = BTreeMap::new();
        for row in rows {
            values.insert(row.try_get::<String, _>("name")?, row.try_get::<String, _>("value")?);
        }
        let number = |name| values.get(name)?.parse::<i64>().ok();
        let (Some(format), Some(works_with)) = (number("format"), number("works_with")) else {
            return Ok(None);
        };
        let incarnation = values.get("incarnation").cloned().unwrap_or_default();
        Ok(Some(Self { format, works_with, incarnation }))
    }

    /// Checks that this release can use the schema.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.works_with > FORMAT {
            return Err(StoreError::Unavailable(ErrorCause::new(format!(
                "the database has format {}, which needs a release of format {} or newer, and \
                 this one has {FORMAT}",
                self.format, self.works_with
            ))));
        }
        if self.format < FORMAT {
            return Err(StoreError::Unavailable(ErrorCause::new(
                "the database waits for the holder of the Lease to bring it to this release's \
                 format",
            )));
        }
        Ok(())
    }
}

/// Migrates the database to this release's format. `incarnation` becomes the store's if it has none
/// yet. The format is written last and never lowered, so an interrupted migration can be repeated.
pub(super) async fn migrate_schema(pool: &PgPool, incarnation: &str) -> Result<(), PostgresError> {
    let now = SchemaInfo::read(pool).await?.unwrap_or_default();
    if now.format >= FORMAT {
        return Ok(());
    }
    // Closed afterwards, because its statements may take any time.
    let mut connection = pool.acquire().await?.detach();
    connection.execute(sql::UNLIMITED).await?;
    connection.execute(sql::CREATE_ABOUT).await?;
    for migration in MIGRATIONS.iter().filter(|migration| migration.format > now.format) {
        for statement in migration.statements {
            connection.execute(*statement).await?;
        }
        add(pool, sql::ADD_ABOUT, "incarnation", incarnation).await?;
        add(pool, sql::SET_ABOUT, "works_with", &migration.works_with.to_string()).await?;
        add(pool, sql::SET_ABOUT, "format", &migration.format.to_string()).await?;
        tracing::info!(format = migration.format, "the database was migrated");
    }
    Ok(())
}

/// Applies settings that improve performance. A database that refuses them is used without.
pub(super) async fn tune_autovacuum(pool: &PgPool) {
    for statement in sql::TUNING {
        if let Err(error) = sqlx::query(statement).execute(pool).await {
            tracing::debug!(statement, %error, "the database refused a tuning setting");
        }
    }
}

async fn add(
    pool: &PgPool,
    statement: &'static str,
    name: &str,
    value: &str,
) -> Result<(), PostgresError> {
    sqlx::query(statement).bind(name).bind(value).execute(pool).await?;
    Ok(())
}
