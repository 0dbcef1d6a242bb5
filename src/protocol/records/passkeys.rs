//! Passkeys of people, and the challenges that they answer.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    AccountMarks, DecodeError, FormatVersion, RecordFormat, SealedRecord, decode_with_absent,
};
use crate::{
    model::{SealPurpose, Subject, Timestamp},
    protocol::webauthn::{CHALLENGE_LEN, PasskeyPublicKey},
};

/// A passkey of a person. Stored by the hash of the credential ID, sealed with a vault key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeyRecord {
    /// The `sub` of the person at this tenant.
    pub subject: Subject,
    /// The name of the identity provider that the person had signed in at; `None` for a person of the tenant.
    pub provider: Option<String>,
    /// The credential ID (Web Authentication §4), at most 1023 bytes.
    pub credential_id: Vec<u8>,
    /// The public key that verifies the passkey's signatures.
    pub public_key: PasskeyPublicKey,
    /// The random user handle, the same in all passkeys of a person.
    pub user_handle: Vec<u8>,
    /// The signature counter of the last use.
    pub sign_count: u32,
    /// Whether the passkey can be on several devices. It never changes.
    pub backup_eligible: bool,
    /// Whether it was backed up at the last use.
    pub backed_up: bool,
    /// The name that the person gave it.
    pub name: String,
    /// When the person set it up.
    pub enrolled_at: Timestamp,
    /// The time of the last sign-in with the passkey, by the store's clock.
    pub used_at: Option<Timestamp>,
    /// The marks of the person. The record is not accepted for a later person with the same subject.
    pub marks: AccountMarks,
    /// The time at which the counter showed that a copy of the passkey exists. It is refused from then on.
    pub copied_at: Option<Timestamp>,
    /// The id of the invitation by which the person set it up, which is used up with it.
    pub invitation: Option<String>,
}

impl RecordFormat for PasskeyRecord {
    const VERSION: FormatVersion = FormatVersion { major: 0, minor: 3 };

    fn upgrade(version: FormatVersion, fields: &[u8]) -> Result<Self, DecodeError> {
        match (version.major, version.minor) {
            // Without `copied_at` and `invitation`.
            (0, 1) => decode_with_absent(fields, 2),
            (0, 2) => decode_with_absent(fields, 1),
            _ => Err(DecodeError),
        }
    }
}

/// A challenge for a passkey. It is sealed into the page that asks for the passkey, and answered once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeyChallenge {
    /// The random bytes that the authenticator signs.
    pub challenge: [u8; CHALLENGE_LEN],
    /// The use of the answer.
    pub purpose: ChallengePurpose,
    /// The time at which the challenge expires, by the store's clock.
    pub expires_at: Timestamp,
}

/// The use of the answer to a challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChallengePurpose {
    /// A sign-in in the browser with the pre-session cookie of this hash.
    SignIn([u8; 32]),
    /// The enrolment of a passkey.
    Enrolment {
        /// The session of the person, by its public id.
        sid: String,
        /// The user handle of the passkey.
        user_handle: Vec<u8>,
    },
}

impl fmt::Debug for PasskeyChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasskeyChallenge").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}

impl RecordFormat for PasskeyChallenge {}

impl SealedRecord for PasskeyChallenge {
    const PURPOSE: SealPurpose = SealPurpose::PasskeyChallenge;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::ObjectMark,
        protocol::records::{decode_record, encode_record},
    };

    #[test]
    fn the_format_of_passkeys_is_stable() {
        let marks = AccountMarks {
            person: ObjectMark::of("uid-1"),
            tenant: ObjectMark::of("uid-2"),
            credential: None,
            generation: 3,
        };
        let passkey = |public_key| PasskeyRecord {
            subject: Subject::new("ada"),
            provider: Some("corp".to_owned()),
            credential_id: vec![1, 2],
            public_key,
            user_handle: vec![3, 4],
            sign_count: 300,
            backup_eligible: true,
            backed_up: false,
            name: "Phone".to_owned(),
            enrolled_at: Timestamp::from_secs(1),
            used_at: Some(Timestamp::from_secs(2)),
            marks,
            copied_at: Some(Timestamp::from_secs(3)),
            invitation: Some("w".to_owned()),
        };
        let marks = "4a49acf8a6bd727728495d1e541a8408afaec2d5bc8022037a19d132e46d4d4f0003";
        let hex =
            |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
        for (key, encoded) in [
            (PasskeyPublicKey::Es256(vec![5]), "000105"),
            (PasskeyPublicKey::Ed25519(vec![6]), "010106"),
            (PasskeyPublicKey::Rs256 { modulus: vec![7], exponent: vec![8] }, "0201070108"),
        ] {
            let passkey = passkey(key);
            let bytes = encode_record(&passkey);
            let expected = format!(
                "03036164610104636f72700201 02{encoded}020304ac02010005 50686f6e65d00f01a01f{marks}01f02e010177"
            );
            assert_eq!(hex(&bytes), expected.replace(' ', ""));
            assert_eq!(decode_record(&bytes), Ok(passkey.clone()));
            // Earlier formats.
            let mut second = bytes[..bytes.len() - 3].to_vec();
            second[0] = 2;
            let passkey = PasskeyRecord { invitation: None, ..passkey };
            assert_eq!(decode_record(&second), Ok(passkey.clone()));
            let mut first = second[..second.len() - 3].to_vec();
            first[0] = 1;
            assert_eq!(decode_record(&first), Ok(PasskeyRecord { copied_at: None, ..passkey }));
        }
    }
}
