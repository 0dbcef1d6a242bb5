//! All SQL statements. They are accepted by PostgreSQL, `CockroachDB` and `YugabyteDB`: no
//! extension, no advisory lock, no sequence. Each is atomic, so an operation is one round trip.

/// The schema changes of a release, in order. Each statement is a separate transaction and may
/// run twice. The format is written last.
pub(super) struct SchemaMigration {
    /// The format after this migration.
    pub(super) format: i64,
    /// The oldest format whose releases still work with it. A change that breaks older releases is
    /// made one release after the one that stops needing what it removes.
    pub(super) works_with: i64,
    pub(super) statements: &'static [&'static str],
}

/// The format of this release.
pub(super) const FORMAT: i64 = 2;

/// All migrations, from the oldest format to [`FORMAT`].
pub(super) const MIGRATIONS: [SchemaMigration; 2] = [CREATION, DUE_TIMES];

const CREATION: SchemaMigration = SchemaMigration {
    format: 1,
    works_with: 1,
    statements: &[
        "CREATE TABLE IF NOT EXISTS lanyard_records (
            kind text NOT NULL,
            tenant text NOT NULL,
            id bytea NOT NULL,
            value bytea NOT NULL,
            version bigint NOT NULL,
            expires_at bigint NOT NULL,
            owners bytea[] NOT NULL,
            PRIMARY KEY (kind, tenant, id)
        )",
        "CREATE INDEX IF NOT EXISTS lanyard_records_expiry ON lanyard_records (expires_at)",
        "CREATE INDEX IF NOT EXISTS lanyard_records_owners ON lanyard_records USING gin (owners)",
    ],
};

/// Few records have a due time, and the index contains only those. Earlier releases write no due
/// time and do not change one.
const DUE_TIMES: SchemaMigration = SchemaMigration {
    format: 2,
    works_with: 1,
    statements: &[
        "ALTER TABLE lanyard_records ADD COLUMN IF NOT EXISTS due_at bigint",
        "CREATE INDEX IF NOT EXISTS lanyard_records_due ON lanyard_records (kind, due_at)
            WHERE due_at IS NOT NULL",
    ],
};

/// A migration may read the whole table, which takes longer than a statement of an operation may.
pub(super) const UNLIMITED: &str = "SET statement_timeout = 0";

/// Storage settings, applied at each migration. A database that does not support them works more
/// slowly. A swap usually changes no indexed column: with free space in the row's page it then
/// updates no index. With `fastupdate`, every search would also scan the index's pending list.
pub(super) const TUNING: [&str; 3] = [
    "ALTER TABLE lanyard_records SET (fillfactor = 80)",
    "ALTER INDEX lanyard_records_owners SET (fastupdate = off)",
    "SELECT gin_clean_pending_list('lanyard_records_owners')",
];

/// Metadata as names and values: `format`, `works_with`, `incarnation`.
pub(super) const CREATE_ABOUT: &str =
    "CREATE TABLE IF NOT EXISTS lanyard_about (name text PRIMARY KEY, value text NOT NULL)";

pub(super) const READ_ABOUT: &str = "SELECT name, value FROM lanyard_about";

pub(super) const ADD_ABOUT: &str =
    "INSERT INTO lanyard_about (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";

pub(super) const SET_ABOUT: &str = "INSERT INTO lanyard_about (name, value) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";

pub(super) const TIME: &str =
    "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) AS now";

/// The bytes of the table with its indexes, and with space that is free again. Reads no row.
pub(super) const TABLE_SIZE: &str =
    "SELECT pg_total_relation_size(CAST('lanyard_records' AS regclass)) AS size";

/// Reads the whole table, but no value that is stored outside its row.
pub(super) const USAGE: &str = "SELECT tenant, count(*) AS records,
        CAST(sum(octet_length(value) + octet_length(id)) AS bigint) AS bytes
    FROM lanyard_records GROUP BY tenant";

/// `USAGE` may take longer than a statement of an operation may.
pub(super) const USAGE_TIMEOUT: &str = "SET statement_timeout = '60s'";

/// Inserts a record, or replaces an expired one. No row is affected if there is a live one.
pub(super) const INSERT: &str = "INSERT INTO lanyard_records
        (kind, tenant, id, value, version, expires_at, owners, due_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (kind, tenant, id) DO UPDATE SET value = excluded.value,
        version = excluded.version, expires_at = excluded.expires_at, owners = excluded.owners,
        due_at = excluded.due_at
    WHERE lanyard_records.expires_at <= $9";

pub(super) const GET: &str =
    "SELECT id, value, version, expires_at, owners, due_at FROM lanyard_records
    WHERE kind = $1 AND tenant = $2 AND id = $3 AND expires_at > $4";

pub(super) const TAKE: &str = "DELETE FROM lanyard_records
    WHERE kind = $1 AND tenant = $2 AND id = $3 AND expires_at > $4
    RETURNING id, value, version, expires_at, owners, due_at";

pub(super) const SWAP: &str = "UPDATE lanyard_records
    SET value = $4, version = $5, expires_at = $6, owners = $7, due_at = $8
    WHERE kind = $1 AND tenant = $2 AND id = $3 AND expires_at > $9 AND version = $10";

/// Uses the index on `owners` alone. Its entries contain kind and tenant too, so the planner cannot
/// prefer scanning a tenant's records.
pub(super) const LIST: &str =
    "SELECT id, value, version, expires_at, owners, due_at FROM lanyard_records
    WHERE owners @> ARRAY[$1::bytea] AND expires_at > $2 LIMIT $3";

pub(super) const LIST_DUE: &str =
    "SELECT tenant, id, value, version, expires_at, owners, due_at FROM lanyard_records
    WHERE kind = $1 AND due_at BETWEEN $2 AND $3 AND expires_at > $4 ORDER BY due_at LIMIT $5";

/// Rows locked by others are left for the next step.
pub(super) const PURGE: &str = "DELETE FROM lanyard_records WHERE (kind, tenant, id) IN (
        SELECT kind, tenant, id FROM lanyard_records WHERE expires_at <= $1
        ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
    ) AND expires_at <= $1";
