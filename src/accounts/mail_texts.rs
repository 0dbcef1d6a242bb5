//! The words of messages. Names are data: they are in the text, where nothing is markup.

use crate::{
    mail::MailText,
    model::{Account, Tenant, Timestamp},
    protocol::records::{ChangeNotice, NoticedChange},
};

/// The message with the link of an invitation.
pub(super) fn invitation_text(
    tenant: &Tenant,
    account: &Account,
    (url, not_after): (&str, Timestamp),
) -> MailText {
    let (service, name) = (&tenant.display_name, on_one_line(account.display_name()));
    let end = not_after.in_words();
    MailText {
        subject: format!("Your invitation to {service}"),
        text: format!(
            "Hello {name},\n\n\
             you were invited to {service}. Open this link and choose a password:\n\n\
             {url}\n\n\
             The link works once, until {end}.\n\n\
             If you do not know {service}, you need not do anything.\n"
        ),
    }
}

/// The message with a link for another password.
pub(super) fn password_reset_text(tenant: &Tenant, account: &Account, url: &str) -> MailText {
    let (service, name) = (&tenant.display_name, on_one_line(account.display_name()));
    let username = on_one_line(&account.username);
    MailText {
        subject: format!("Another password for {service}"),
        text: format!(
            "Hello {name},\n\n\
             someone asked for another password for your account {username} at {service}. If it was \
             you, open this link within an hour:\n\n\
             {url}\n\n\
             The link works once.\n\n\
             If it was not you, you need not do anything. Your password stays as it is.\n"
        ),
    }
}

/// The message about a change in an account. `url` is that of the account page.
pub(super) fn notice_text(tenant: &Tenant, notice: &ChangeNotice, url: &str) -> MailText {
    let (service, name) = (&tenant.display_name, on_one_line(&notice.name));
    let (subject, what) = words_of(notice.change);
    let (at, address) = (notice.at.in_words(), &notice.address);
    MailText {
        subject: format!("{service}: {subject}"),
        text: format!(
            "Hello {name},\n\n\
             {what} in your account at {service}: on {at}, from the address {address}.\n\n\
             If it was you, you need not do anything.\n\n\
             If it was not you, tell the administrators of {service} at once, and open your account \
             page:\n\n\
             {url}\n"
        ),
    }
}

const fn words_of(change: NoticedChange) -> (&'static str, &'static str) {
    match change {
        NoticedChange::PasswordChanged => ("a password was chosen", "a password was chosen"),
        NoticedChange::AppEnrolled => {
            ("an authenticator app was set up", "an authenticator app was set up")
        }
        NoticedChange::AppRemoved => {
            ("your authenticator app was removed", "the authenticator app was removed")
        }
        NoticedChange::PasskeyEnrolled => ("a passkey was set up", "a passkey was set up"),
        NoticedChange::PasskeyRemoved => ("a passkey was removed", "a passkey was removed"),
        NoticedChange::RecoveryCodesMade => {
            ("new recovery codes were made", "new recovery codes were made")
        }
        NoticedChange::RecoveryCodeUsed => {
            ("a recovery code was used", "a recovery code was used to sign in")
        }
    }
}

/// A name that cannot look like a line of the message.
fn on_one_line(name: &str) -> String {
    name.chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}
