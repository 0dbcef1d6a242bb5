//! The bytes that durable key-value stores keep: keys that no two records share, and rows.
//!
//! Must not: change without a new format number (`embedded`): files outlive releases.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{IndexEntry, OwnerKind, Record, RecordKey, RecordKind, VersionedRecord};
use crate::model::{TenantId, Timestamp};

/// Each part behind its length, so that no two lists of parts have the same bytes.
fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 2).sum());
    for part in parts {
        let length = u16::try_from(part.len()).expect("ids are at most 256 bytes");
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// Whose records and of which kind: what keys and listings begin with.
pub(super) fn scope(kind: RecordKind, tenant: &TenantId) -> Vec<u8> {
    let tenant = &tenant.0;
    joined(&[kind.as_str().as_bytes(), tenant.namespace.as_bytes(), tenant.name.as_bytes()])
}

/// What a record is found by.
pub(super) fn key(key: &RecordKey) -> Vec<u8> {
    [scope(key.kind, &key.tenant), key.id.as_bytes().to_vec()].concat()
}

/// The scope and the id that a key was made of.
pub(super) fn split(key: &[u8]) -> Option<(&[u8], &str)> {
    let mut at = 0;
    for _ in 0..3 {
        let length = u16::from_be_bytes(key.get(at..at + 2)?.try_into().ok()?);
        at += 2 + usize::from(length);
    }
    Some((key.get(..at)?, std::str::from_utf8(key.get(at..)?).ok()?))
}

/// What tells an owner from the others of its scope.
pub(super) fn owner((kind, id): (&str, &str)) -> Vec<u8> {
    joined(&[kind.as_bytes(), id.as_bytes()])
}

/// What the ids of an owner's records in a scope stand behind.
pub(super) fn listing(scope: &[u8], of: (&str, &str)) -> Vec<u8> {
    [scope.to_vec(), owner(of)].concat()
}

/// A record beside its key.
#[derive(Serialize, Deserialize)]
pub(super) struct EncodedRecord<'a> {
    pub(super) version: u64,
    pub(super) expires_at: Timestamp,
    #[serde(borrow)]
    pub(super) owners: Vec<(&'a str, &'a str)>,
    pub(super) value: &'a [u8],
}

/// A row that cannot be read.
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
        }
    }

    /// Its bytes.
    pub(super) fn write(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("rows serialise to memory")
    }

    /// The reverse of `write`.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, DamagedRecord> {
        postcard::from_bytes(bytes).map_err(|_| DamagedRecord)
    }

    /// The record of this row. Owners of kinds that only a newer release knows are passed over.
    pub(super) fn stored(&self, key: RecordKey) -> VersionedRecord {
        let owner = |(kind, id): &(&str, &str)| Some(IndexEntry::new(OwnerKind::parse(kind)?, *id));
        let record = Record {
            key,
            value: Bytes::copy_from_slice(self.value),
            expires_at: self.expires_at,
            owners: self.owners.iter().filter_map(owner).collect(),
        };
        VersionedRecord { record, version: self.version }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::record;

    #[test]
    fn no_two_keys_have_the_same_bytes() {
        let of = |namespace: &str, name: &str, id: &str| {
            key(&RecordKey::new(RecordKind::Session, &TenantId::new(namespace, name), id))
        };
        assert_ne!(of("a", "b", "c"), of("a", "bc", ""));
        assert_ne!(of("a", "b", "c"), of("ab", "", "c"));
        assert_ne!(of("a", "b\0c", "d"), of("a", "b", "c\0d"));
    }

    #[test]
    fn keys_split_into_what_they_were_made_of() {
        let it = record("a/b").key;
        assert_eq!(split(&key(&it)), Some((&*scope(it.kind, &it.tenant), "a/b")));
        assert_eq!(split(&key(&it)[..6]), None);
    }

    #[test]
    fn rows_come_back_as_they_were_written() {
        let written = record("a");
        let row = EncodedRecord::of(&written, 7).write();
        let read = EncodedRecord::read(&row).map(|row| row.stored(written.key.clone()));
        assert_eq!(read, Ok(VersionedRecord { record: written.clone(), version: 7 }));
        assert!(EncodedRecord::read(&row[..row.len() - 1]).is_err());
    }

    #[test]
    fn the_bytes_of_format_1_stay() {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let written = record("a");
        assert_eq!(hex(&key(&written.key)), "000773657373696f6e00047465616d00046d61696e61");
        assert_eq!(
            hex(&EncodedRecord::of(&written, 7).write()),
            "07809ad190cc6e010475736572036164610576616c7565"
        );
    }
}
