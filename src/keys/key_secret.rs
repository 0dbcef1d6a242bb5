//! The format of a tenant's key Secret: one entry per key, `<kid>.json`, as versioned JSON. The
//! format is stable across releases: version 1 always stays readable, and entries of unknown
//! versions are preserved.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use serde::{Deserialize, Serialize};

use crate::model::{Secret, SigningAlgorithm, Timestamp};

/// The `data` of a Secret.
pub type KeyEntries = BTreeMap<String, ByteString>;

/// The format version that this release writes.
const VERSION: u32 = 1;

/// The times at which a key is published, starts to sign and is retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyTimes {
    /// When the key was added to the JWKS.
    pub published_at: Timestamp,
    /// When the key starts to sign.
    pub signs_from: Timestamp,
    /// When the key leaves the JWKS. `None` until its successor is known.
    pub retire_at: Option<Timestamp>,
}

/// A signing key as stored in the Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// The key ID, equal to the entry name without `.json`.
    pub kid: String,
    /// The algorithm that the key signs with.
    pub algorithm: SigningAlgorithm,
    /// The private key as PKCS#8 PEM.
    pub private_key: Secret<String>,
    /// The times at which the key is published, signs and leaves the JWKS.
    pub times: KeyTimes,
}

/// A Secret entry that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedEntry {
    /// The name of the entry.
    pub name: String,
    /// The problem, without any content of the entry.
    pub problem: String,
    /// True if a newer release may have written the entry. Such entries are never changed or
    /// removed.
    pub foreign: bool,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct KeySecretWire {
    version: u32,
    kid: String,
    algorithm: SigningAlgorithm,
    private_key: String,
    published_at: jiff::Timestamp,
    signs_from: jiff::Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retire_at: Option<jiff::Timestamp>,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Parses the keys of a Secret and returns the unusable entries separately. Entries whose name does
/// not end in `.json` are ignored.
pub fn read_keys(entries: &KeyEntries) -> (Vec<KeyRecord>, Vec<DamagedEntry>) {
    let (mut keys, mut damaged) = (Vec::new(), Vec::new());
    for (name, ByteString(bytes)) in entries {
        let Some(kid) = name.strip_suffix(".json") else { continue };
        match read_key(kid, bytes) {
            Ok(key) => keys.push(key),
            Err((problem, foreign)) => {
                damaged.push(DamagedEntry { name: name.clone(), problem, foreign });
            }
        }
    }
    (keys, damaged)
}

fn read_key(kid: &str, bytes: &[u8]) -> Result<KeyRecord, (String, bool)> {
    check_version(bytes)?;
    let wire: KeySecretWire = serde_json::from_slice(bytes)
        .map_err(|error| (format!("is not a key record (line {})", error.line()), false))?;
    if wire.kid != kid {
        return Err(("contains a kid that differs from the entry name".to_owned(), false));
    }
    Ok(KeyRecord {
        kid: wire.kid,
        algorithm: wire.algorithm,
        private_key: Secret::new(wire.private_key),
        times: KeyTimes {
            published_at: wire.published_at.into(),
            signs_from: wire.signs_from.into(),
            retire_at: wire.retire_at.map(Timestamp::from),
        },
    })
}

/// Rejects entries of another version. The error's flag is true if a newer release may have written
/// the entry.
pub(super) fn check_version(bytes: &[u8]) -> Result<(), (String, bool)> {
    match serde_json::from_slice::<Versioned>(bytes) {
        Ok(Versioned { version: VERSION }) => Ok(()),
        Ok(Versioned { version }) => {
            Err((format!("has version {version}, which this release does not support"), true))
        }
        Err(_) => Err(("is not versioned JSON".to_owned(), false)),
    }
}

/// Returns the name of a key's entry.
pub fn entry_name(kid: &str) -> String {
    format!("{kid}.json")
}

/// Serializes a key to its Secret entry.
pub fn write_key(key: &KeyRecord) -> (String, ByteString) {
    let wire = KeySecretWire {
        version: VERSION,
        kid: key.kid.clone(),
        algorithm: key.algorithm,
        private_key: key.private_key.expose().clone(),
        published_at: to_rfc3339(key.times.published_at),
        signs_from: to_rfc3339(key.times.signs_from),
        retire_at: key.times.retire_at.map(to_rfc3339),
    };
    let bytes = serde_json::to_vec(&wire).expect("a record of strings serializes");
    (entry_name(&key.kid), ByteString(bytes))
}

/// Converts a time to the type that serializes as RFC 3339.
pub(super) fn to_rfc3339(time: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(time.millis()).unwrap_or(jiff::Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = r#"{"version":1,"kid":"k1","algorithm":"ES256","privateKey":"PEM","publishedAt":"2026-01-01T00:00:00Z","signsFrom":"2026-01-02T00:00:00Z","retireAt":"2026-04-01T00:00:00.5Z"}"#;

    fn entries(name: &str, text: &str) -> KeyEntries {
        KeyEntries::from([(name.to_owned(), ByteString(text.into()))])
    }

    #[test]
    fn version_1_stays_readable_and_is_written_unchanged() {
        let (keys, damaged) = read_keys(&entries("k1.json", GOLDEN));
        assert!(damaged.is_empty(), "{damaged:?}");
        assert_eq!(keys[0].times.signs_from, Timestamp::from_secs(1_767_312_000));
        let (name, ByteString(bytes)) = write_key(&keys[0]);
        assert_eq!(
            (name.as_str(), String::from_utf8(bytes).expect("text")),
            ("k1.json", GOLDEN.to_owned())
        );
    }

    #[test]
    fn an_entry_of_a_newer_release_is_foreign() {
        let (keys, damaged) = read_keys(&entries("k1.json", r#"{"version":2,"x":1}"#));
        assert!(keys.is_empty() && damaged[0].foreign);
        let (_, damaged) = read_keys(&entries("k1.json", "{"));
        assert!(!damaged[0].foreign);
        let (_, damaged) = read_keys(&entries("other.json", GOLDEN));
        assert!(!damaged[0].foreign);
    }

    #[test]
    fn problems_contain_no_content_of_the_entry() {
        let broken = GOLDEN.replace("ES256", "XX999").replace("PEM", "TOP-SECRET");
        let (_, damaged) = read_keys(&entries("k1.json", &broken));
        assert!(!damaged[0].problem.contains("TOP-SECRET"), "{damaged:?}");
    }
}
