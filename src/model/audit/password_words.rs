//! The words in audit lines about chosen passwords and mail.

use schemars::JsonSchema;
use serde::Serialize;

use super::reasons::audit_words;

audit_words!(
    /// The reasons for which a password reset link is refused.
    PasswordResetRefusal {
        /// It was used, a later one was mailed, or the person chose a new password.
        Used = "used",
        /// It is older than an hour.
        Expired = "expired",
        /// The OidcUser is disabled, was created again, or chooses no password any more.
        Withdrawn = "withdrawn",
    }
);

audit_words!(
    /// The subject of a message to a person.
    MailKind {
        /// The link of an invitation.
        Invitation = "invitation",
        /// A password reset link.
        PasswordReset = "password_reset",
        /// A change in the person's account.
        Notice = "notice",
        /// A request of an application that waits for the person's answer.
        WaitingRequest = "waiting_request",
    }
);

audit_words!(
    /// How a person proved the right to choose a password.
    PasswordChangeWay {
        /// By an invitation.
        Invitation = "invitation",
        /// By a fresh sign-in, on the account page.
        AccountPage = "account_page",
        /// By a link that was mailed to a person who forgot the password.
        Reset = "reset",
    }
);
