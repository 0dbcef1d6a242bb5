//! The encoding of a record on the server: a text header, which scripts can read, and the value.
//!
//! | bytes | content |
//! |---|---|
//! | 16 | version, hexadecimal |
//! | 16 | expiry in milliseconds, decimal |
//! | 3 | length of the key's scope in bytes |
//! | 1 | number of index entries that follow |
//! | 3 + n each | length of an index entry, and the entry (`encoding::encode_owner`) |
//! | the rest | index entries, value and due time (`encoding::EncodedRecord`) |
//!
//! Must not: change without a new format (`scripts::FORMAT`), because servers outlive releases.

use crate::{
    model::ErrorCause,
    store::{
        Record, RecordKey, StoreError, VersionedRecord,
        encoding::{DamagedRecord, EncodedRecord, encode_owner, encode_scope},
    },
};

/// Offset of the index entries.
const OWNERS: usize = 36;
/// The largest integer that Lua represents exactly.
const LATEST: i64 = (1 << 53) - 1;

/// Encodes a record in the form that the module documents.
pub(super) fn write_row(record: &Record, version: u64) -> Vec<u8> {
    let scope = encode_scope(record.key.kind, &record.key.tenant).len();
    let mut bytes = format!(
        "{version:016x}{:016}{scope:03}{}",
        script_millis(record.expires_at.millis()),
        record.owners.len()
    )
    .into_bytes();
    for it in &record.owners {
        let owner = encode_owner((it.kind.as_str(), &it.id));
        bytes.extend_from_slice(format!("{:03}", owner.len()).as_bytes());
        bytes.extend_from_slice(&owner);
    }
    bytes.extend_from_slice(&EncodedRecord::of(record, version).write());
    bytes
}

/// Limits a moment to the integers that scripts can compare.
pub(super) fn script_millis(millis: i64) -> i64 {
    millis.clamp(0, LATEST)
}

/// Decodes the result of [`write_row`] from the index entries on. The header is for scripts.
pub(super) fn read_row(bytes: &[u8], key: RecordKey) -> Result<VersionedRecord, DamagedRecord> {
    let mut at = OWNERS;
    for _ in 0..number(bytes, at - 1, 1)? {
        at += 3 + number(bytes, at, 3)?;
    }
    Ok(EncodedRecord::read(bytes.get(at..).ok_or(DamagedRecord)?)?.stored(key))
}

fn number(bytes: &[u8], at: usize, digits: usize) -> Result<usize, DamagedRecord> {
    let text = bytes.get(at..at + digits).and_then(|it| std::str::from_utf8(it).ok());
    text.and_then(|text| text.parse().ok()).ok_or(DamagedRecord)
}

impl From<DamagedRecord> for StoreError {
    fn from(damaged: DamagedRecord) -> Self {
        Self::Unavailable(ErrorCause::new(damaged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::Timestamp,
        store::{IndexEntry, IndexKind, contract::record},
    };

    #[test]
    fn rows_round_trip() {
        let mut written = record("a");
        written.owners.push(IndexEntry::new(IndexKind::Client, "c".repeat(256)));
        let row = write_row(&written, u64::MAX);
        let stored = VersionedRecord { record: written.clone(), version: u64::MAX };
        assert_eq!(read_row(&row, written.key.clone()), Ok(stored));
        for end in [0, 35, 36, 40, row.len() - 1] {
            assert_eq!(read_row(&row[..end], written.key.clone()), Err(DamagedRecord), "{end}");
        }
    }

    #[test]
    fn format_1_is_unchanged() {
        let head = "000000000000000700019000036000000211011";
        let row = write_row(&record("a"), 7);
        assert_eq!(String::from_utf8_lossy(&row[..head.len()]), head);
        assert_eq!(&row[head.len()..head.len() + 10], b"\0\x04user\0\x03ad");
    }

    #[test]
    fn moments_are_limited_to_exact_lua_integers() {
        assert_eq!(script_millis(Timestamp::from_millis(i64::MAX).millis()), 9_007_199_254_740_991);
        assert_eq!(script_millis(-1), 0);
    }
}
