//! Rows of the table: from and to records.

use bytes::Bytes;
use sqlx::{
    Row as _,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use super::failure::PostgresError;
use crate::{
    model::{TenantId, Timestamp},
    store::{
        IndexEntry, IndexKind, Record, RecordKey, RecordKind, VersionedRecord, record::skip_damaged,
    },
};

/// Binds a key as the first three parameters of a statement.
pub(super) fn keyed_query<'q>(
    statement: &'static str,
    key: &'q RecordKey,
) -> Query<'q, sqlx::Postgres, PgArguments> {
    sqlx::query(statement)
        .bind(key.kind.as_str())
        .bind(key.tenant.to_string())
        .bind(key.id.as_bytes())
}

/// Encodes an index entry. It contains the record's kind and tenant, so the index finds only their
/// records. Kind and tenant contain no space, and the kind of the entry no colon.
pub(super) fn owner_entry(kind: RecordKind, tenant: &TenantId, owner: &IndexEntry) -> Vec<u8> {
    format!("{kind} {tenant} {}:{}", owner.kind.as_str(), owner.id).into_bytes()
}

/// Encodes the index entries of a record.
pub(super) fn encoded_owners(record: &Record) -> Vec<Vec<u8>> {
    let key = &record.key;
    record.owners.iter().map(|owner| owner_entry(key.kind, &key.tenant, owner)).collect()
}

/// Decodes a row. Index entries of kinds that only a newer release knows are skipped.
pub(super) fn stored_record(
    row: &PgRow,
    kind: RecordKind,
    tenant: &TenantId,
) -> Result<VersionedRecord, PostgresError> {
    let owner = |entry: Vec<u8>| {
        let text = String::from_utf8(entry).ok()?;
        let (kind, id) = text.splitn(3, ' ').nth(2)?.split_once(':')?;
        Some(IndexEntry::new(IndexKind::parse(kind)?, id))
    };
    let id: Vec<u8> = row.try_get("id")?;
    let record = Record {
        key: RecordKey::new(kind, tenant, String::from_utf8_lossy(&id)),
        value: Bytes::from(row.try_get::<Vec<u8>, _>("value")?),
        expires_at: Timestamp::from_millis(row.try_get("expires_at")?),
        owners: row.try_get::<Vec<Vec<u8>>, _>("owners")?.into_iter().filter_map(owner).collect(),
        due_at: row.try_get::<Option<i64>, _>("due_at")?.map(Timestamp::from_millis),
    };
    Ok(VersionedRecord { record, version: row.try_get::<i64, _>("version")?.cast_unsigned() })
}

/// Decodes a row of any tenant; `None`, with a line in the log, if it is damaged.
pub(super) fn stored_of_any_tenant(row: &PgRow, kind: RecordKind) -> Option<VersionedRecord> {
    let tenant: String = row.try_get("tenant").unwrap_or_default();
    // Names of Kubernetes objects contain no slash.
    let decoded = match tenant.split_once('/') {
        Some((namespace, name)) => stored_record(row, kind, &TenantId::new(namespace, name)),
        None => Err(PostgresError::from(sqlx::Error::Decode("the tenant has no namespace".into()))),
    };
    let id: Vec<u8> = row.try_get("id").unwrap_or_default();
    skip_damaged(kind, format_args!("{tenant}/{}", id.escape_ascii()), decoded)
}
