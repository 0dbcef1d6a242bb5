//! Making the tables, and judging whether this release can work with those that are there.

use std::collections::BTreeMap;

use sqlx::{PgPool, Row as _};

use super::{
    failure::PostgresError,
    sql::{self, FORMAT, MIGRATIONS},
};
use crate::store::StoreError;

/// What the database says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SchemaInfo {
    pub(super) format: i64,
    pub(super) works_with: i64,
    pub(super) incarnation: String,
}

impl SchemaInfo {
    /// Reads it; none where nothing was made yet.
    pub(super) async fn read(pool: &PgPool) -> Result<Option<Self>, PostgresError> {
        let rows = match sqlx::query(sql::READ_ABOUT).fetch_all(pool).await {
            Ok(rows) => rows,
            Err(error) if is_missing_table(&error) => return Ok(None),
            Err(error) => return Err(error.into()),
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

    /// Whether this release can work with it.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.works_with > FORMAT {
            return Err(StoreError::Unavailable(format!(
                "the database has format {}, which needs a release of format {} or newer, and \
                 this one has {FORMAT}",
                self.format, self.works_with
            )));
        }
        if self.format < FORMAT {
            return Err(StoreError::Unavailable(
                "the database waits for the holder of the Lease to bring it to this release's \
                 format"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

/// Brings the database to this release's format; `incarnation` becomes its name if it has none.
/// The format is written last, and never lowered, so that it may be broken off and run again.
pub(super) async fn migrate(pool: &PgPool, incarnation: &str) -> Result<(), PostgresError> {
    let now = SchemaInfo::read(pool).await?.unwrap_or_default();
    if now.format >= FORMAT {
        return Ok(());
    }
    sqlx::query(sql::CREATE_ABOUT).execute(pool).await?;
    for migration in MIGRATIONS.iter().filter(|migration| migration.format > now.format) {
        for statement in migration.statements {
            sqlx::query(*statement).execute(pool).await?;
        }
        add(pool, sql::ADD_ABOUT, "incarnation", incarnation).await?;
        add(pool, sql::SET_ABOUT, "works_with", &migration.works_with.to_string()).await?;
        add(pool, sql::SET_ABOUT, "format", &migration.format.to_string()).await?;
        tracing::info!(format = migration.format, "the database was migrated");
    }
    Ok(())
}

/// Asks for what makes it faster, and does without where the database refuses.
pub(super) async fn tune(pool: &PgPool) {
    for statement in sql::TUNING {
        if let Err(error) = sqlx::query(statement).execute(pool).await {
            tracing::debug!(statement, %error, "the database goes without");
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

/// `undefined_table`.
fn is_missing_table(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| code == "42P01")
}
