//! Marks: digests in records. They distinguish a record's user from a later one with the same name, and the user's
//! password from a later password.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::sha256;

/// A digest of an object's UID. It differs from that of a later object with the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectMark([u8; 16]);

impl ObjectMark {
    /// The mark of a UID, or of a name where objects have no UID.
    pub fn of(identity: &str) -> Self {
        let mut mark = [0; 16];
        mark.copy_from_slice(&sha256(identity)[..16]);
        Self(mark)
    }
}

impl fmt::Display for ObjectMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A keyed digest of a user's stored password. It distinguishes the password from later ones, and reveals nothing
/// to a reader of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialMark([u8; 16]);

impl CredentialMark {
    /// The mark with these bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}
