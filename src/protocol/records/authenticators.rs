//! The authenticators of people, and the attempts to use them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    AccountMarks, DecodeError, FormatVersion, RecordFormat, SealedRecord, decode_with_absent,
};
use crate::model::{SealPurpose, Timestamp};

/// The authenticator app of a person. Stored by the hash of the subject, sealed with a vault key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotpRecord {
    /// The secret that the app has too.
    pub secret: Vec<u8>,
    /// The step of the last code that was used.
    pub last_step: u64,
    /// When the person set the app up.
    pub enrolled_at: Timestamp,
    /// The marks of the person. The record is not accepted for a later person with the same subject.
    pub marks: AccountMarks,
    /// The id of the last invitation by which the person set up an app, which is used up with it.
    pub invitation: Option<String>,
}

impl fmt::Debug for TotpRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TotpRecord").field("last_step", &self.last_step).finish_non_exhaustive()
    }
}

impl RecordFormat for TotpRecord {
    const VERSION: FormatVersion = FormatVersion { major: 0, minor: 2 };

    fn upgrade(version: FormatVersion, fields: &[u8]) -> Result<Self, DecodeError> {
        match (version.major, version.minor) {
            (0, 1) => decode_with_absent(fields, 1),
            _ => Err(DecodeError),
        }
    }
}

/// The recovery codes of a person. Stored by the hash of the subject, sealed with a vault key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodesRecord {
    /// The salt of the hashes.
    pub salt: Vec<u8>,
    /// The hashes of the codes that were not used.
    pub unused: Vec<[u8; 32]>,
    /// The time at which the codes were made.
    pub made_at: Timestamp,
    /// The marks of the person. The record is not accepted for a later person with the same subject.
    pub marks: AccountMarks,
}

impl RecordFormat for RecoveryCodesRecord {}

/// The failed attempts to use an authenticator of a person with a browser that the person has proved it
/// with before. Stored by the hash of the subject and the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorAttempts {
    /// The number of failed attempts so far. An attempt is counted before its code is checked.
    pub failures: u32,
    /// The time of the last failed attempt, by the store's clock.
    pub last: Timestamp,
    /// The time at which the next attempt is allowed.
    pub wait_until: Timestamp,
}

impl RecordFormat for FactorAttempts {}

/// The failed attempts to use an authenticator of a person with all other browsers, as the state of a budget.
/// Stored by the hash of the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorBudget {
    /// When the whole budget is available again, by the store's clock.
    pub whole_at: Timestamp,
}

impl RecordFormat for FactorBudget {}

/// The secret of an authenticator app while a person sets it up. It is sealed into the page's form, and
/// nothing is stored before the app has shown a right code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotpEnrolment {
    /// The secret of the app: 20 random bytes.
    pub secret: Vec<u8>,
    /// The session of the person, by its public id.
    pub sid: String,
    /// The time from which the form is refused.
    pub expires_at: Timestamp,
}

impl fmt::Debug for TotpEnrolment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TotpEnrolment").field("sid", &self.sid).finish_non_exhaustive()
    }
}

impl RecordFormat for TotpEnrolment {}

impl SealedRecord for TotpEnrolment {
    const PURPOSE: SealPurpose = SealPurpose::TotpEnrolment;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{CredentialMark, ObjectMark},
        protocol::records::{decode_record, encode_record},
    };

    #[test]
    fn the_formats_of_authenticators_and_factor_attempts_are_stable() {
        let marks = AccountMarks {
            person: ObjectMark::of("uid-1"),
            tenant: ObjectMark::of("uid-2"),
            credential: Some(CredentialMark::new([7; 16])),
            generation: 3,
        };
        let totp = TotpRecord {
            secret: vec![1, 2, 3],
            last_step: 300,
            enrolled_at: Timestamp::from_secs(1),
            marks,
            invitation: Some("w".to_owned()),
        };
        let bytes = encode_record(&totp);
        let hex =
            |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
        assert_eq!(
            hex(&bytes),
            "0203010203ac02d00f4a49acf8a6bd727728495d1e541a8408afaec2d5bc8022037a19d132e46d4d4f010707070707070707070707070707070703010177"
        );
        assert_eq!(decode_record(&bytes), Ok(totp.clone()));
        // The first format.
        let mut first = bytes[..bytes.len() - 3].to_vec();
        first[0] = 1;
        assert_eq!(decode_record(&first), Ok(TotpRecord { invitation: None, ..totp }));

        let codes = RecoveryCodesRecord {
            salt: vec![1, 2],
            unused: vec![[9; 32]],
            made_at: Timestamp::from_secs(1),
            marks,
        };
        let bytes = encode_record(&codes);
        let marks = "4a49acf8a6bd727728495d1e541a8408afaec2d5bc8022037a19d132e46d4d4f010707070707070707070707070707070703";
        assert_eq!(hex(&bytes), format!("0102010201{}d00f{marks}", "09".repeat(32)));
        assert_eq!(decode_record(&bytes), Ok(codes));

        let at = Timestamp::from_secs;
        let attempts = FactorAttempts { failures: 7, last: at(1), wait_until: at(2) };
        let bytes = encode_record(&attempts);
        assert_eq!(bytes, b"\x01\x07\xd0\x0f\xa0\x1f");
        assert_eq!(decode_record(&bytes), Ok(attempts));

        let budget = FactorBudget { whole_at: at(1) };
        let bytes = encode_record(&budget);
        assert_eq!(bytes, b"\x01\xd0\x0f");
        assert_eq!(decode_record(&bytes), Ok(budget));
    }
}
