//! Classifies a database's errors by the effect of the failed operation.

use crate::{
    model::ErrorCause,
    store::{
        StoreError,
        retry::{FailedOperation, OperationEffect},
    },
};

/// SQLSTATE `read_only_sql_transaction`: the server is a standby, as after a failover.
const READ_ONLY: &str = "25006";
/// SQLSTATE `undefined_function` and `feature_not_supported`: the server lacks a function that a query needs.
const MISSING_FUNCTION: [&str; 2] = ["42883", "0A000"];
/// SQLSTATE `undefined_table`: no replica has created the schema yet.
const MISSING_TABLE: &str = "42P01";

/// An error of the database. Its text contains no secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct PostgresError(#[from] sqlx::Error);

impl From<PostgresError> for StoreError {
    fn from(failure: PostgresError) -> Self {
        Self::Unavailable(ErrorCause::new(failure))
    }
}

impl PostgresError {
    /// Returns true if the server refuses writes: a standby, or a former primary.
    pub(super) fn is_read_only(&self) -> bool {
        self.has_code(&[READ_ONLY])
    }

    /// Returns true if the database does not have a function of PostgreSQL.
    pub(super) fn is_missing_function(&self) -> bool {
        self.has_code(&MISSING_FUNCTION)
    }

    /// Returns true if a table does not exist yet.
    pub(super) fn is_missing_table(&self) -> bool {
        self.has_code(&[MISSING_TABLE])
    }

    fn has_code(&self, codes: &[&str]) -> bool {
        let code = self.0.as_database_error().and_then(sqlx::error::DatabaseError::code);
        code.is_some_and(|code| codes.contains(&&*code))
    }
}

impl FailedOperation for PostgresError {
    /// Classifies by SQLSTATE (PostgreSQL manual, appendix A).
    fn effect(&self) -> OperationEffect {
        match &self.0 {
            sqlx::Error::Database(error) => by_code(error.code().as_deref()),
            sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed | sqlx::Error::Protocol(_) => {
                OperationEffect::Unknown
            }
            // No statement was sent. After a stall of this machine the next attempt finds a
            // connection.
            sqlx::Error::PoolTimedOut => OperationEffect::Nothing,
            _ => OperationEffect::Final,
        }
    }
}

fn by_code(code: Option<&str>) -> OperationEffect {
    match code {
        // serialization_failure, deadlock_detected, too_many_connections. During a fail-over, until
        // the new primary answers, cannot_connect_now and read_only_sql_transaction.
        Some("40001" | "40P01" | "53300" | "57P03" | READ_ONLY) => OperationEffect::Nothing,
        // statement_completion_unknown, admin_shutdown, crash_shutdown, connection exceptions.
        Some(code) if code == "40003" || code.starts_with("57P") || code.starts_with("08") => {
            OperationEffect::Unknown
        }
        _ => OperationEffect::Final,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_by_sqlstate() {
        for (code, effect) in [
            ("40001", OperationEffect::Nothing),
            ("40P01", OperationEffect::Nothing),
            ("53300", OperationEffect::Nothing),
            ("25006", OperationEffect::Nothing),
            ("57P01", OperationEffect::Unknown),
            ("08006", OperationEffect::Unknown),
            ("42501", OperationEffect::Final),
        ] {
            assert_eq!(by_code(Some(code)), effect, "{code}");
        }
        let reset = std::io::ErrorKind::ConnectionReset.into();
        assert_eq!(PostgresError(sqlx::Error::Io(reset)).effect(), OperationEffect::Unknown);
        assert_eq!(PostgresError(sqlx::Error::PoolTimedOut).effect(), OperationEffect::Nothing);
    }
}
