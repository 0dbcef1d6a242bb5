//! The salt of a tenant's pairwise subject identifiers (OIDC Core §8.1) and the format of its
//! Secret. The salt is created once: another salt would change the `sub` of every user.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use k8s_openapi::ByteString;
use serde::{Deserialize, Serialize};

use super::key_secret::KeyEntries;
use crate::model::{Entropy, Secret, Timestamp, sha256};

const VERSION: u32 = 1;
/// The name of the Secret's only entry.
const SALT_ENTRY: &str = "salt.json";

/// The salt of pairwise subjects: 32 random bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairwiseSalt(pub Secret<Vec<u8>>);

impl PairwiseSalt {
    /// Returns the fingerprint published in the Tenant's status. It identifies the salt without
    /// revealing it.
    pub fn fingerprint(&self) -> String {
        let mut named = b"lanyard pairwise salt fingerprint\0".to_vec();
        named.extend(self.0.expose());
        URL_SAFE_NO_PAD.encode(&sha256(named)[..12])
    }
}

/// The Secret of a salt cannot be read. The messages contain nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairwiseSaltError {
    /// The Secret has no entry with a salt.
    #[error("has no entry salt.json")]
    Missing,
    /// The entry is not JSON of the expected form.
    #[error("has an unreadable salt.json")]
    Unreadable,
    /// The entry has a version that this release does not know.
    #[error("was written by another release")]
    UnknownVersion,
    /// The salt has another length, or is not base64url.
    #[error("has a salt that is not 256 bits")]
    WrongLength,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct SaltWire {
    version: u32,
    salt: String,
    created_at: jiff::Timestamp,
}

/// Creates the Secret entry for a new random salt.
pub fn new_pairwise_salt(entropy: &dyn Entropy, now: Timestamp) -> (String, ByteString) {
    let mut salt = [0; 32];
    entropy.fill(&mut salt);
    let wire = SaltWire {
        version: VERSION,
        salt: URL_SAFE_NO_PAD.encode(salt),
        created_at: super::key_secret::to_rfc3339(now),
    };
    let json = serde_json::to_vec(&wire).expect("a record of strings serializes");
    (SALT_ENTRY.to_owned(), ByteString(json))
}

/// Parses the salt of a Secret.
pub fn read_salt(entries: &KeyEntries) -> Result<PairwiseSalt, PairwiseSaltError> {
    let ByteString(bytes) = entries.get(SALT_ENTRY).ok_or(PairwiseSaltError::Missing)?;
    let wire: SaltWire =
        serde_json::from_slice(bytes).map_err(|_| PairwiseSaltError::Unreadable)?;
    if wire.version != VERSION {
        return Err(PairwiseSaltError::UnknownVersion);
    }
    match URL_SAFE_NO_PAD.decode(&wire.salt) {
        Ok(salt) if salt.len() == 32 => Ok(PairwiseSalt(Secret::new(salt))),
        _ => Err(PairwiseSaltError::WrongLength),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SeededEntropy;

    #[test]
    fn a_new_salt_can_be_read_again() {
        let entry = new_pairwise_salt(&SeededEntropy::new(1), Timestamp::from_secs(1_800_000_000));
        assert!(read_salt(&KeyEntries::from([entry])).is_ok());
    }

    #[test]
    fn version_1_stays_readable() {
        let json = r#"{"version":1,"salt":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","createdAt":"2027-01-15T08:00:00Z"}"#;
        let entries =
            KeyEntries::from([(SALT_ENTRY.to_owned(), ByteString(json.as_bytes().to_vec()))]);
        let salt = read_salt(&entries).expect("version 1");
        assert_eq!(*salt.0.expose(), (0..32).collect::<Vec<u8>>());
        assert_eq!(salt.fingerprint(), "hJobCR65xZH15KZ5");
    }

    #[test]
    fn rejects_invalid_entries() {
        let entries = |json: &str| {
            KeyEntries::from([(SALT_ENTRY.to_owned(), ByteString(json.as_bytes().to_vec()))])
        };
        assert!(read_salt(&KeyEntries::new()).is_err());
        for json in [
            "{}",
            r#"{"version":2,"salt":"AA","createdAt":"2027-01-15T08:00:00Z"}"#,
            r#"{"version":1,"salt":"AA","createdAt":"2027-01-15T08:00:00Z"}"#,
        ] {
            assert!(read_salt(&entries(json)).is_err(), "{json}");
        }
    }
}
