//! Mail that waits for a mail server, and password reset links.

use serde::{Deserialize, Serialize};

use super::{InvitationLink, RecordFormat, SealedRecord};
use crate::model::{AuditedAuthenticator, ObjectMark, SealPurpose, Timestamp};

/// A message to a person that waits for the mail server. The seal binds it to a tenant: a writer of the
/// database cannot have a link sent to another address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingMail {
    /// The `sub` of the person.
    pub subject: String,
    /// The e-mail address of the person, which the message is sent to.
    pub to: String,
    /// The content, which becomes a text when it is sent.
    pub content: MailContent,
}

impl RecordFormat for WaitingMail {}

impl SealedRecord for WaitingMail {
    const PURPOSE: SealPurpose = SealPurpose::Mail;
}

/// The content of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailContent {
    /// The link of an invitation.
    Invitation(InvitationLink),
    /// A link by which a person who forgot the password chooses another one.
    PasswordReset(PasswordResetLink),
    /// A change in the person's account.
    Notice(ChangeNotice),
    /// A request that waits for the person's answer.
    Request(RequestNotice),
}

/// The notice of a request over the backchannel that waits for a person. It has no text of the client: the person
/// compares that on the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestNotice {
    /// The name of the person.
    pub name: String,
    /// The name of the application.
    pub application: String,
    /// The time at which the request came, by the store's clock.
    pub at: Timestamp,
    /// The address that it came from.
    pub address: String,
    /// The time at which the request expires. The notice is not sent then.
    pub expires_at: Timestamp,
}

/// The notice of a change in a person's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeNotice {
    /// The kind of change.
    pub change: NoticedChange,
    /// The name of the person.
    pub name: String,
    /// The time of the change, by the store's clock.
    pub at: Timestamp,
    /// The address of the client that made it.
    pub address: String,
}

/// A change that a person gets a notice of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoticedChange {
    /// The password was changed.
    PasswordChanged,
    /// An authenticator app was set up.
    AppEnrolled,
    /// The authenticator app was removed.
    AppRemoved,
    /// A passkey was set up.
    PasskeyEnrolled,
    /// One of the passkeys was removed.
    PasskeyRemoved,
    /// New recovery codes were made.
    RecoveryCodesMade,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// A passkey was refused, because a copy of it may exist.
    PasskeyCopied,
    /// All sessions and grants were ended on the account page.
    SignedOutEverywhere,
    /// The access of an application was withdrawn.
    AccessWithdrawn,
}

impl NoticedChange {
    /// The setup of an authenticator.
    pub const fn enrolled(authenticator: AuditedAuthenticator) -> Self {
        match authenticator {
            AuditedAuthenticator::Totp => Self::AppEnrolled,
            AuditedAuthenticator::Passkey => Self::PasskeyEnrolled,
            AuditedAuthenticator::RecoveryCodes => Self::RecoveryCodesMade,
        }
    }

    /// The removal of an authenticator. Recovery codes are removed with the last one, which the mail says.
    pub const fn removed(authenticator: AuditedAuthenticator) -> Option<Self> {
        match authenticator {
            AuditedAuthenticator::Totp => Some(Self::AppRemoved),
            AuditedAuthenticator::Passkey => Some(Self::PasskeyRemoved),
            AuditedAuthenticator::RecoveryCodes => None,
        }
    }
}

/// The end of the mail with the link of an invitation. Stored by a hash of the link and the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationMailRecord {
    /// When the mail server answered.
    pub answered_at: Timestamp,
    /// Whether it has taken the mail. If not, it takes none for the address.
    pub is_sent: bool,
}

impl RecordFormat for InvitationMailRecord {}

/// The link of a person that was mailed last. Stored by the hash of the subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordResetRecord {
    /// The id in the link.
    pub id: String,
    /// The time at which the link was mailed.
    pub mailed_at: Timestamp,
}

impl RecordFormat for PasswordResetRecord {}

/// The content of a link. The seal binds it to a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordResetLink {
    /// The `sub` of the person.
    pub subject: String,
    /// The person: a later user with the name is another one.
    pub person: ObjectMark,
    /// A random ID. A mail that is asked for while an earlier link works has the same ID.
    pub id: String,
    /// When the person chose the password that was forgotten. After another choice the link is void.
    pub chosen_at: Timestamp,
    /// The time from which the link is refused, by the store's clock.
    pub expires_at: Timestamp,
    /// The base64url SHA-256 of the address that the link is mailed to. The link is void when the person has another
    /// address.
    pub address: String,
}

impl RecordFormat for PasswordResetLink {}

impl SealedRecord for PasswordResetLink {
    const PURPOSE: SealPurpose = SealPurpose::PasswordReset;
}

/// The form in which a person who opened a link chooses a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordResetForm {
    /// The link that was opened.
    pub link: PasswordResetLink,
    /// The hash of the pre-session cookie of the browser.
    pub browser: [u8; 32],
    /// The time from which the form is refused.
    pub expires_at: Timestamp,
}

impl RecordFormat for PasswordResetForm {}

impl SealedRecord for PasswordResetForm {
    const PURPOSE: SealPurpose = SealPurpose::PasswordResetForm;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::records::{decode_record, encode_record};

    #[test]
    fn the_formats_of_mails_and_password_resets_are_stable() {
        let text =
            |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
        let link = InvitationLink {
            subject: "s".to_owned(),
            person: ObjectMark::of("uid-1"),
            id: "w".to_owned(),
            not_after: Timestamp::from_secs(1),
        };
        let inner = text(&encode_record(&link))[2..].to_owned();
        let mail = WaitingMail {
            subject: "s".to_owned(),
            to: "a@b".to_owned(),
            content: MailContent::Invitation(link),
        };
        let bytes = encode_record(&mail);
        assert_eq!(text(&bytes), format!("0101730361406200{inner}"));
        assert_eq!(decode_record(&bytes), Ok(mail));
        let notice = RequestNotice {
            name: "n".to_owned(),
            application: "b".to_owned(),
            at: Timestamp::from_secs(1),
            address: "::1".to_owned(),
            expires_at: Timestamp::from_secs(2),
        };
        let mail = WaitingMail {
            subject: "s".to_owned(),
            to: "a@b".to_owned(),
            content: MailContent::Request(notice),
        };
        let bytes = encode_record(&mail);
        assert_eq!(text(&bytes), "010173036140620301 6e0162 d00f 033a3a31 a01f".replace(' ', ""));
        assert_eq!(decode_record(&bytes), Ok(mail));
        let sent = InvitationMailRecord { answered_at: Timestamp::from_secs(1), is_sent: true };
        let bytes = encode_record(&sent);
        assert_eq!(text(&bytes), "01d00f01");
        assert_eq!(decode_record(&bytes), Ok(sent));
        let record = PasswordResetRecord { id: "r".to_owned(), mailed_at: Timestamp::from_secs(1) };
        let bytes = encode_record(&record);
        assert_eq!(text(&bytes), "010172d00f");
        assert_eq!(decode_record(&bytes), Ok(record));
    }
}
