//! The stored form of records. Each kind of record has a separate format version.
//!
//! Replicas of two releases share a store during an upgrade, so a release must read what the next
//! one writes:
//!
//! - A field that is appended to a record raises the minor version. Earlier releases ignore the
//!   field. [`RecordFormat::upgrade`] gives it a value when an earlier record is read.
//! - Any other change raises the major version, one release after the release that can read it.
//!
//! A type inside a record is part of the record's format. Golden files in
//! `tests/golden/records`, or a test next to the type, have a record of every version that was written.

use serde::{Serialize, de::DeserializeOwned};

/// The bytes of a usual record, so that few records are copied while they grow.
const USUAL_RECORD_LEN: usize = 256;

/// The version of a record's format: the first byte of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatVersion {
    /// The upper four bits. Records of another major version need an upgrade.
    pub major: u8,
    /// The lower four bits. It counts the fields that were appended.
    pub minor: u8,
}

impl FormatVersion {
    const fn to_byte(self) -> u8 {
        self.major << 4 | self.minor
    }

    const fn from_byte(byte: u8) -> Self {
        Self { major: byte >> 4, minor: byte & 0x0f }
    }
}

/// The error for a record that is malformed or of an unknown version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unreadable record")]
pub struct DecodeError;

/// A kind of record with its format.
pub trait RecordFormat: Serialize + DeserializeOwned {
    /// The version that this release writes.
    const VERSION: FormatVersion = FormatVersion { major: 0, minor: 1 };

    /// Reads a record of an earlier version. `fields` is the record without its first byte.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the version is unknown or the record is malformed.
    fn upgrade(version: FormatVersion, fields: &[u8]) -> Result<Self, DecodeError> {
        let _ = (version, fields);
        Err(DecodeError)
    }
}

/// Serializes a record: its format version, then postcard.
pub fn encode_record<T: RecordFormat>(record: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(USUAL_RECORD_LEN);
    bytes.push(T::VERSION.to_byte());
    postcard::to_extend(record, bytes).expect("records serialize to memory")
}

/// Parses a record written by [`encode_record`], by this release or another one.
pub fn decode_record<T: RecordFormat>(bytes: &[u8]) -> Result<T, DecodeError> {
    let (&first, fields) = bytes.split_first().ok_or(DecodeError)?;
    let version = FormatVersion::from_byte(first);
    if version.major != T::VERSION.major || version.minor < T::VERSION.minor {
        return T::upgrade(version, fields);
    }
    // Fields that a later release appended are left over.
    postcard::from_bytes(fields).map_err(|_| DecodeError)
}

/// Reads a record of an earlier version that lacks the last fields, which are optional.
pub(super) fn decode_with_absent<T: RecordFormat>(
    fields: &[u8],
    absent: usize,
) -> Result<T, DecodeError> {
    // An option without a value is a zero.
    let mut fields = fields.to_vec();
    fields.resize(fields.len() + absent, 0);
    postcard::from_bytes(&fields).map_err(|_| DecodeError)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct First {
        name: String,
    }

    impl RecordFormat for First {}

    /// The first one with a field appended.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Second {
        name: String,
        count: u32,
    }

    impl RecordFormat for Second {
        const VERSION: FormatVersion = FormatVersion { major: 0, minor: 2 };

        fn upgrade(version: FormatVersion, fields: &[u8]) -> Result<Self, DecodeError> {
            match (version.major, version.minor) {
                (0, 1) => {
                    let first: First = postcard::from_bytes(fields).map_err(|_| DecodeError)?;
                    Ok(Self { name: first.name, count: 7 })
                }
                _ => Err(DecodeError),
            }
        }
    }

    /// The same fields in another order.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Incompatible {
        count: u32,
        name: String,
    }

    impl RecordFormat for Incompatible {
        const VERSION: FormatVersion = FormatVersion { major: 1, minor: 0 };
    }

    fn name() -> String {
        "ada".to_owned()
    }

    #[test]
    fn an_earlier_release_ignores_an_appended_field() {
        let bytes = encode_record(&Second { name: name(), count: 3 });
        assert_eq!(decode_record(&bytes), Ok(First { name: name() }));
    }

    #[test]
    fn an_upgrade_gives_an_appended_field_its_value() {
        let bytes = encode_record(&First { name: name() });
        assert_eq!(decode_record(&bytes), Ok(Second { name: name(), count: 7 }));
    }

    #[test]
    fn a_record_of_another_major_version_is_unreadable_without_an_upgrade() {
        let bytes = encode_record(&Incompatible { count: 3, name: name() });
        assert_eq!(bytes[0], 0x10);
        assert_eq!(decode_record::<First>(&bytes), Err(DecodeError));
        assert_eq!(decode_record::<Second>(&bytes), Err(DecodeError));
        let bytes = encode_record(&First { name: name() });
        assert_eq!(decode_record::<Incompatible>(&bytes), Err(DecodeError));
    }

    #[test]
    fn a_record_without_a_version_is_unreadable() {
        assert_eq!(decode_record::<First>(&[]), Err(DecodeError));
        assert_eq!(decode_record::<First>(&[0x01]), Err(DecodeError));
    }
}
