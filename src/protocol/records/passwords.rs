//! Passwords that people chose, and the invitations by which they did.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    AccountMarks, DecodeError, FormatVersion, PasskeyChallenge, RecordFormat, SealedRecord,
};
use crate::model::{ObjectMark, SealPurpose, Timestamp};

/// The password that a person chose. Stored by the hash of the subject, sealed with a vault key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordRecord {
    /// The argon2id hash, as a PHC string.
    pub hash: String,
    /// The time at which the person chose the password. Sessions and grants that were made before have ended.
    pub chosen_at: Timestamp,
    /// The session in which the person chose it, by its public id: it has not ended.
    pub sid: Option<String>,
    /// The marks of the person. The record is not accepted for a later person with the same subject.
    pub marks: AccountMarks,
    /// The id of the last invitation by which the person chose a password, which is used up with it.
    pub invitation: Option<String>,
}

/// The fields of format 0.1, which had no invitation.
#[derive(Serialize, Deserialize)]
struct FirstPasswordRecord {
    hash: String,
    chosen_at: Timestamp,
    sid: Option<String>,
    marks: AccountMarks,
}

impl fmt::Debug for PasswordRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordRecord").field("chosen_at", &self.chosen_at).finish_non_exhaustive()
    }
}

impl RecordFormat for PasswordRecord {
    const VERSION: FormatVersion = FormatVersion { major: 0, minor: 2 };

    fn upgrade(version: FormatVersion, fields: &[u8]) -> Result<Self, DecodeError> {
        if version != (FormatVersion { major: 0, minor: 1 }) {
            return Err(DecodeError);
        }
        let first = postcard::from_bytes(fields).map_err(|_| DecodeError)?;
        let FirstPasswordRecord { hash, chosen_at, sid, marks } = first;
        Ok(Self { hash, chosen_at, sid, marks, invitation: None })
    }
}

/// An invitation that was used. Stored by the hash of subject and id, sealed with a vault key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationRecord {
    /// The time at which the person used the invitation.
    pub redeemed_at: Timestamp,
    /// The marks of the person. The record is not accepted for a later person with the same subject.
    pub marks: AccountMarks,
}

impl RecordFormat for InvitationRecord {}

/// The content of an invitation's link. The seal binds it to a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationLink {
    /// The `sub` of the invited person.
    pub subject: String,
    /// The person: a later user with the name is another one.
    pub person: ObjectMark,
    /// The id of the invitation.
    pub id: String,
    /// The time from which the link is refused, by the store's clock.
    pub not_after: Timestamp,
}

impl RecordFormat for InvitationLink {}

impl SealedRecord for InvitationLink {
    const PURPOSE: SealPurpose = SealPurpose::Invitation;
}

/// The form in which an invited person chooses a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordForm {
    /// The link of the invitation.
    pub link: InvitationLink,
    /// The hash of the pre-session cookie of the browser.
    pub browser: [u8; 32],
    /// The time from which the form is refused.
    pub expires_at: Timestamp,
}

impl RecordFormat for PasswordForm {}

impl SealedRecord for PasswordForm {
    const PURPOSE: SealPurpose = SealPurpose::PasswordForm;
}

/// The form in which an invited person sets up the authenticator that the tenant requires. Nothing is stored before
/// the authenticator was proved.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitedFactorForm {
    /// The link of the invitation.
    pub link: InvitationLink,
    /// The hash of the pre-session cookie of the browser.
    pub browser: [u8; 32],
    /// The time from which the form is refused.
    pub expires_at: Timestamp,
    /// The argon2id hash of the password that the person chose on the page before, as a PHC string.
    pub password_hash: Option<String>,
    /// The authenticator that the form sets up.
    pub factor: InvitedFactor,
}

/// An authenticator that an invited person sets up.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum InvitedFactor {
    /// An app with this secret.
    App(Vec<u8>),
    /// A passkey, which answers this challenge.
    Passkey(PasskeyChallenge),
}

impl fmt::Debug for InvitedFactorForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvitedFactorForm").field("link", &self.link).finish_non_exhaustive()
    }
}

impl RecordFormat for InvitedFactorForm {}

impl SealedRecord for InvitedFactorForm {
    const PURPOSE: SealPurpose = SealPurpose::InvitedFactorForm;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::records::{decode_record, encode_record};

    #[test]
    fn the_formats_of_passwords_and_invitations_are_stable() {
        let mark = ObjectMark::of("uid-1");
        let marks = AccountMarks { person: mark, tenant: mark, credential: None, generation: 3 };
        let at = Timestamp::from_secs;
        let text =
            |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
        let person =
            text(&encode_record(&InvitationRecord { redeemed_at: at(0), marks }))[4..36].to_owned();
        let password = PasswordRecord {
            hash: "$a".to_owned(),
            chosen_at: at(1),
            sid: Some("s".to_owned()),
            marks,
            invitation: Some("w".to_owned()),
        };
        let bytes = encode_record(&password);
        assert_eq!(text(&bytes), format!("02022461d00f010173{person}{person}0003010177"));
        assert_eq!(decode_record(&bytes), Ok(password.clone()));
        // The first format.
        let mut first = bytes[..bytes.len() - 3].to_vec();
        first[0] = 1;
        assert_eq!(decode_record(&first), Ok(PasswordRecord { invitation: None, ..password }));
        let used = InvitationRecord { redeemed_at: at(1), marks };
        let bytes = encode_record(&used);
        assert_eq!(text(&bytes), format!("01d00f{person}{person}0003"));
        assert_eq!(decode_record(&bytes), Ok(used));
        let link = InvitationLink {
            subject: "ada".to_owned(),
            person: mark,
            id: "w".to_owned(),
            not_after: at(1),
        };
        let bytes = encode_record(&link);
        assert_eq!(text(&bytes), format!("0103616461{person}0177d00f"));
        assert_eq!(decode_record(&bytes), Ok(link));
    }
}
