//! The salt of a tenant's pairwise subjects (OIDC Core §8.1): its Secret's format. It is made once;
//! another one would make other people of everybody.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use k8s_openapi::ByteString;
use serde::{Deserialize, Serialize};

use super::key_secret::KeyEntries;
use crate::model::{Entropy, Secret, Timestamp};

const VERSION: u32 = 1;
/// The one entry.
const SALT_ENTRY: &str = "salt.json";

/// 256 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairwiseSalt(pub Secret<Vec<u8>>);

impl PairwiseSalt {
    /// What a status says of it: enough to know it again, and nothing else.
    pub fn fingerprint(&self) -> String {
        let mut named = b"lanyard pairwise salt fingerprint\0".to_vec();
        named.extend(self.0.expose());
        let hash = digest::digest(&digest::SHA256, &named);
        URL_SAFE_NO_PAD.encode(&hash.as_ref()[..12])
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    version: u32,
    salt: String,
    created_at: jiff::Timestamp,
}

/// The entry of a new salt.
pub fn new_salt(entropy: &dyn Entropy, now: Timestamp) -> (String, ByteString) {
    let mut salt = [0; 32];
    entropy.fill(&mut salt);
    let wire = Wire {
        version: VERSION,
        salt: URL_SAFE_NO_PAD.encode(salt),
        created_at: super::key_secret::rfc3339(now),
    };
    let json = serde_json::to_vec(&wire).expect("it serialises to memory");
    (SALT_ENTRY.to_owned(), ByteString(json))
}

/// Reads the salt of a Secret. The error says what is wrong and nothing of what is there.
pub fn read_salt(entries: &KeyEntries) -> Result<PairwiseSalt, &'static str> {
    let ByteString(bytes) = entries.get(SALT_ENTRY).ok_or("has no entry salt.json")?;
    let wire: Wire = serde_json::from_slice(bytes).map_err(|_| "has an unreadable salt.json")?;
    if wire.version != VERSION {
        return Err("was written by another release");
    }
    match URL_SAFE_NO_PAD.decode(&wire.salt) {
        Ok(salt) if salt.len() == 32 => Ok(PairwiseSalt(Secret::new(salt))),
        _ => Err("has a salt that is not 256 bits"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SeededEntropy;

    #[test]
    fn a_new_salt_can_be_read_again() {
        let entry = new_salt(&SeededEntropy::new(1), Timestamp::from_secs(1_800_000_000));
        assert!(read_salt(&KeyEntries::from([entry])).is_ok());
    }

    #[test]
    fn the_format_is_for_ever() {
        let json = r#"{"version":1,"salt":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","createdAt":"2027-01-15T08:00:00Z"}"#;
        let entries =
            KeyEntries::from([(SALT_ENTRY.to_owned(), ByteString(json.as_bytes().to_vec()))]);
        let salt = read_salt(&entries).expect("version 1");
        assert_eq!(*salt.0.expose(), (0..32).collect::<Vec<u8>>());
        assert_eq!(salt.fingerprint(), "hJobCR65xZH15KZ5");
    }

    #[test]
    fn says_what_is_wrong() {
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
