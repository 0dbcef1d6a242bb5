//! A person of an identity provider, as last seen there.

use serde::{Deserialize, Serialize};

use super::{RecordFormat, SealedRecord};
use crate::model::{SealPurpose, Timestamp};

/// A person of an identity provider. Everything but the claims can be computed from them, so a lost
/// store costs a sign-in and never an identity. The claims are those of the provider, because an
/// edited mapping takes effect at the next use. Stored by a hash of subject and provider, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRecord {
    /// The person's `sub` at this tenant. A record that was moved to the key of another person is recognized by it, and
    /// not used.
    pub subject: String,
    /// The name of the provider's object.
    pub provider: String,
    /// The provider's claims, as JSON.
    pub claims: String,
    /// The time at which the provider gave the claims.
    pub refreshed_at: Timestamp,
    /// The time of the last use of the claims, updated at most once a day.
    pub used_at: Timestamp,
    /// The time at which the provider was last asked for newer claims.
    pub asked_at: Timestamp,
    /// Whether the provider then gave only a part of the claims.
    pub incomplete: bool,
}

/// How old the claims of a person are, and whether the provider was asked for newer ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimsAge {
    /// The time at which the provider gave the claims.
    pub refreshed_at: Timestamp,
    /// When the provider was last asked.
    pub asked_at: Timestamp,
    /// Whether the provider then gave only a part of the claims.
    pub incomplete: bool,
}

impl PersonRecord {
    /// How old the claims are.
    pub fn age(&self) -> ClaimsAge {
        let Self { refreshed_at, asked_at, incomplete, .. } = *self;
        ClaimsAge { refreshed_at, asked_at, incomplete }
    }
}

impl RecordFormat for PersonRecord {}

impl SealedRecord for PersonRecord {
    const PURPOSE: SealPurpose = SealPurpose::Person;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::records::{decode_record, encode_record};

    #[test]
    fn the_format_of_persons_is_stable() {
        let person = PersonRecord {
            subject: "s".into(),
            provider: "corp".into(),
            claims: "{}".into(),
            refreshed_at: Timestamp::from_secs(1),
            used_at: Timestamp::from_secs(2),
            asked_at: Timestamp::from_secs(3),
            incomplete: true,
        };
        let bytes = encode_record(&person);
        assert_eq!(bytes, b"\x01\x01s\x04corp\x02{}\xd0\x0f\xa0\x1f\xf0\x2e\x01");
        assert_eq!(decode_record(&bytes), Ok(person));
    }
}
