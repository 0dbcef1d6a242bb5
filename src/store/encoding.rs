//! The encoding of records in durable key-value stores: unique keys, and rows.
//!
//! Must not: change without a new format number (`embedded`), because files outlive releases.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{IndexEntry, IndexKind, Record, RecordKey, RecordKind, VersionedRecord};
use crate::model::{TenantId, Timestamp};

/// Concatenates the parts, each preceded by its length, so different lists have different bytes. `last` follows without
/// its length.
fn joined(parts: &[&[u8]], last: &[u8]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len() + 2).sum();
    let mut bytes = Vec::with_capacity(length + last.len());
    for part in parts {
        let length = u16::try_from(part.len()).expect("ids are at most 256 bytes");
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes.extend_from_slice(last);
    bytes
}

fn scope_parts(kind: RecordKind, tenant: &TenantId) -> [&[u8]; 3] {
    let tenant = &tenant.0;
    [kind.as_str().as_bytes(), tenant.namespace.as_bytes(), tenant.name.as_bytes()]
}

/// The kind and tenant of records: the prefix of keys and listings.
pub(super) fn encode_scope(kind: RecordKind, tenant: &TenantId) -> Vec<u8> {
    joined(&scope_parts(kind, tenant), b"")
}

/// The encoded key of a record: its scope, and then the id.
pub(super) fn encode_key(key: &RecordKey) -> Vec<u8> {
    joined(&scope_parts(key.kind, &key.tenant), key.id.as_bytes())
}

/// Splits a key into its scope and id.
pub(super) fn split_key(key: &[u8]) -> Option<(&[u8], &str)> {
    let mut at = 0;
    for _ in 0..3 {
        let length = u16::from_be_bytes(key.get(at..at + 2)?.try_into().ok()?);
        at += 2 + usize::from(length);
    }
    Some((key.get(..at)?, std::str::from_utf8(key.get(at..)?).ok()?))
}

/// The key of a record of a kind, from the result of `key`.
pub(super) fn record_key(kind: RecordKind, key: &[u8]) -> Option<RecordKey> {
    let (scope, id) = split_key(key)?;
    let (its_kind, rest) = first_part(scope)?;
    let (namespace, rest) = first_part(rest)?;
    let (name, _) = first_part(rest)?;
    (its_kind == kind.as_str()).then(|| RecordKey::new(kind, &TenantId::new(namespace, name), id))
}

/// The tenant of an encoded key; `None` if the key is damaged.
pub(super) fn key_tenant(key: &[u8]) -> Option<TenantId> {
    let (_, rest) = first_part(key)?;
    let (namespace, rest) = first_part(rest)?;
    let (name, _) = first_part(rest)?;
    Some(TenantId::new(namespace, name))
}

/// The name of the kind in a scope.
pub(super) fn scope_kind(scope: &[u8]) -> Option<&str> {
    first_part(scope).map(|(kind, _)| kind)
}

/// The first part that `joined` wrote, and the bytes after it.
fn first_part(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    let (part, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    Some((std::str::from_utf8(part).ok()?, rest))
}

/// The encoding of an index entry within its scope.
pub(super) fn encode_owner((kind, id): (&str, &str)) -> Vec<u8> {
    joined(&[kind.as_bytes(), id.as_bytes()], b"")
}

/// The prefix under which the ids of the records of an index entry in a scope are stored.
pub(super) fn encode_listing(scope: &[u8], of: (&str, &str)) -> Vec<u8> {
    [scope, &encode_owner(of)].concat()
}

/// The bytes of a usual row without its value, so that few rows are copied while they grow.
const USUAL_ROW_OVERHEAD: usize = 64;

/// The row of a record: everything but its key. The due time follows the other fields, and only in
/// rows that have one: earlier releases, which do not know it, leave it unread.
#[derive(Serialize, Deserialize)]
pub(super) struct EncodedRecord<'a> {
    pub(super) version: u64,
    pub(super) expires_at: Timestamp,
    #[serde(borrow)]
    pub(super) owners: Vec<(&'a str, &'a str)>,
    pub(super) value: &'a [u8],
    #[serde(skip)]
    pub(super) due_at: Option<Timestamp>,
}

/// A row that cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a row of the store is damaged")]
pub(super) struct DamagedRecord;

impl<'a> EncodedRecord<'a> {
    /// The row of a record.
    pub(super) fn of(record: &'a Record, version: u64) -> Self {
        let owners = record.owners.iter().map(|owner| (owner.kind.as_str(), owner.id.as_str()));
        Self {
            version,
            expires_at: record.expires_at,
            owners: owners.collect(),
            value: &record.value,
            due_at: record.due_at,
        }
    }

    /// Encodes the row with postcard: the fields, and then the due time if the record has one.
    pub(super) fn write(&self) -> Vec<u8> {
        let row: Vec<u8> = Vec::with_capacity(self.value.len() + USUAL_ROW_OVERHEAD);
        let row = postcard::to_extend(self, row).expect("rows serialise to memory");
        match self.due_at {
            Some(_) => postcard::to_extend(&self.due_at, row).expect("rows serialise to memory"),
            None => row,
        }
    }

    /// Decodes the result of `write`.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, DamagedRecord> {
        let (mut row, rest) =
            postcard::take_from_bytes::<Self>(bytes).map_err(|_| DamagedRecord)?;
        if !rest.is_empty() {
            row.due_at = postcard::from_bytes(rest).map_err(|_| DamagedRecord)?;
        }
        Ok(row)
    }

    /// The record of this row. Index entries of kinds that only a newer release knows are skipped.
    pub(super) fn stored(&self, key: RecordKey) -> VersionedRecord {
        let owner = |(kind, id): &(&str, &str)| Some(IndexEntry::new(IndexKind::parse(kind)?, *id));
        let record = Record {
            key,
            value: Bytes::copy_from_slice(self.value),
            expires_at: self.expires_at,
            owners: self.owners.iter().filter_map(owner).collect(),
            due_at: self.due_at,
        };
        VersionedRecord { record, version: self.version }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::record;

    #[test]
    fn different_keys_have_different_bytes() {
        let of = |namespace: &str, name: &str, id: &str| {
            encode_key(&RecordKey::new(RecordKind::Session, &TenantId::new(namespace, name), id))
        };
        assert_ne!(of("a", "b", "c"), of("a", "bc", ""));
        assert_ne!(of("a", "b", "c"), of("ab", "", "c"));
        assert_ne!(of("a", "b\0c", "d"), of("a", "b", "c\0d"));
    }

    #[test]
    fn keys_split_into_scope_and_id() {
        let it = record("a/b").key;
        assert_eq!(split_key(&encode_key(&it)), Some((&*encode_scope(it.kind, &it.tenant), "a/b")));
        assert_eq!(split_key(&encode_key(&it)[..6]), None);
        assert_eq!(record_key(it.kind, &encode_key(&it)), Some(it.clone()));
        assert_eq!(record_key(RecordKind::Grant, &encode_key(&it)), None);
    }

    #[test]
    fn rows_round_trip() {
        let due = Record { due_at: Some(Timestamp::from_secs(1)), ..record("a") };
        for written in [record("a"), due] {
            let row = EncodedRecord::of(&written, 7).write();
            let read = EncodedRecord::read(&row).map(|row| row.stored(written.key.clone()));
            assert_eq!(read, Ok(VersionedRecord { record: written.clone(), version: 7 }));
            assert!(EncodedRecord::read(&row[..row.len() - 1]).is_err());
        }
    }

    #[test]
    fn an_earlier_release_ignores_the_due_time() {
        #[derive(Deserialize, PartialEq, Debug)]
        struct Earlier<'a>(u64, Timestamp, #[serde(borrow)] Vec<(&'a str, &'a str)>, &'a [u8]);
        let due = Record { due_at: Some(Timestamp::from_secs(1)), ..record("a") };
        let row = EncodedRecord::of(&due, 7).write();
        let read = postcard::from_bytes::<Earlier<'_>>(&row);
        assert_eq!(read, Ok(Earlier(7, due.expires_at, vec![("user", "ada")], b"value")));
    }

    #[test]
    fn format_1_is_unchanged() {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let written = record("a");
        assert_eq!(hex(&encode_key(&written.key)), "000773657373696f6e00047465616d00046d61696e61");
        assert_eq!(
            hex(&EncodedRecord::of(&written, 7).write()),
            "07809ad190cc6e010475736572036164610576616c7565"
        );
    }
}
