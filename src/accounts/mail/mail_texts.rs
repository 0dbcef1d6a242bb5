//! The texts of messages, in the language of the tenant. Names are data: they are in the text, where nothing is
//! markup.

use crate::{
    mail::MailText,
    messages::{LanguagePreferences, MessageCatalog},
    model::{Account, Tenant, Timestamp},
    protocol::records::{ChangeNotice, NoticedChange, RequestNotice},
};

/// The message with the link of an invitation.
pub(super) fn invitation_text(
    tenant: &Tenant,
    account: &Account,
    (url, not_after): (&str, Timestamp),
) -> MailText {
    let (words, service) = (catalog_of(tenant), &tenant.display_name);
    let end = words.time_in_words(not_after.in_utc());
    MailText {
        subject: words.invitation_mail_subject(service).to_string(),
        text: paragraphs(&[
            &hello(words, account.display_name()),
            &words.invitation_mail_text(service).to_string(),
            url,
            &words.invitation_mail_end(&end).to_string(),
            &words.invitation_mail_unknown(service).to_string(),
        ]),
    }
}

/// The message with a password reset link.
pub(super) fn password_reset_text(tenant: &Tenant, account: &Account, url: &str) -> MailText {
    let (words, service) = (catalog_of(tenant), &tenant.display_name);
    let username = on_one_line(&account.username);
    MailText {
        subject: words.reset_mail_subject(service).to_string(),
        text: paragraphs(&[
            &hello(words, account.display_name()),
            &words.reset_mail_text(&username, service).to_string(),
            url,
            words.reset_mail_once(),
            words.reset_mail_not_you(),
        ]),
    }
}

/// The message about a change in an account. `url` is that of the account page.
pub(super) fn notice_text(tenant: &Tenant, notice: &ChangeNotice, url: &str) -> MailText {
    let (words, service) = (catalog_of(tenant), &tenant.display_name);
    let change = change_in_words(notice.change, words);
    let (time, address) = (words.time_in_words(notice.at.in_utc()), &notice.address);
    let advice = match notice.change {
        // Also if the person used it, because there is a copy.
        NoticedChange::PasskeyCopied => words.notice_mail_copied(),
        _ => words.notice_mail_was_you(),
    };
    MailText {
        subject: words.notice_mail_subject(service, change).to_string(),
        text: paragraphs(&[
            &hello(words, &notice.name),
            &words.notice_mail_text(change, service, &time, address).to_string(),
            advice,
            &words.notice_mail_not_you(service).to_string(),
            url,
        ]),
    }
}

/// The message about a request that waits for an answer. `url` is that of the account page. The message answers
/// nothing.
pub(super) fn request_text(tenant: &Tenant, notice: &RequestNotice, url: &str) -> MailText {
    let (words, service) = (catalog_of(tenant), &tenant.display_name);
    let (application, time) =
        (on_one_line(&notice.application), words.time_in_words(notice.at.in_utc()));
    let text = words.request_mail_text(&application, service, &time, &notice.address).to_string();
    MailText {
        subject: words.request_mail_subject(&application, service).to_string(),
        text: paragraphs(&[
            &hello(words, &notice.name),
            &text,
            words.request_mail_open(),
            url,
            &words.request_mail_not_you(service).to_string(),
        ]),
    }
}

/// The texts in the language of a tenant. A message is written when it is sent, so there is no browser that
/// states the language of the person.
fn catalog_of(tenant: &Tenant) -> &MessageCatalog {
    let default = tenant.branding.default_locale.as_ref();
    tenant.languages.choose(LanguagePreferences { default, ..LanguagePreferences::default() })
}

fn hello(words: &MessageCatalog, name: &str) -> String {
    words.mail_hello(&on_one_line(name)).to_string()
}

fn paragraphs(paragraphs: &[&str]) -> String {
    format!("{}\n", paragraphs.join("\n\n"))
}

fn change_in_words(change: NoticedChange, words: &MessageCatalog) -> &str {
    match change {
        NoticedChange::PasswordChanged => words.notice_password_chosen(),
        NoticedChange::AppEnrolled => words.notice_app_set_up(),
        NoticedChange::AppRemoved => words.notice_app_removed(),
        NoticedChange::PasskeyEnrolled => words.notice_passkey_set_up(),
        NoticedChange::PasskeyRemoved => words.notice_passkey_removed(),
        NoticedChange::RecoveryCodesMade => words.notice_codes_made(),
        NoticedChange::RecoveryCodeUsed => words.notice_code_used(),
        NoticedChange::PasskeyCopied => words.notice_passkey_copied(),
        NoticedChange::SignedOutEverywhere => words.notice_signed_out_everywhere(),
        NoticedChange::AccessWithdrawn => words.notice_access_withdrawn(),
    }
}

/// A name that cannot look like a line of the message.
fn on_one_line(name: &str) -> String {
    name.chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixtures;

    #[test]
    fn the_mail_about_a_waiting_request_names_its_application() {
        let notice = RequestNotice {
            name: "Ada".to_owned(),
            application: "Harbour\nBank".to_owned(),
            at: Timestamp::from_secs(1_900_000_000),
            address: "192.0.2.7".to_owned(),
            expires_at: Timestamp::from_secs(1_900_000_600),
        };
        let MailText { subject, text } =
            request_text(&fixtures::tenant(), &notice, "https://id.test/account");
        assert!(subject.contains("Harbour Bank"), "{subject}");
        for part in ["Ada", "Harbour Bank", "192.0.2.7", "\nhttps://id.test/account\n"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn each_change_has_its_words() {
        let words_of = |change| {
            let notice = ChangeNotice {
                change,
                name: "Ada\nLovelace".to_owned(),
                at: Timestamp::from_secs(1_900_000_000),
                address: "192.0.2.7".to_owned(),
            };
            let tenant = fixtures::tenant();
            let MailText { subject, text } =
                notice_text(&tenant, &notice, "https://id.test/account");
            assert!(text.contains("Ada Lovelace") && text.contains("192.0.2.7"), "{text}");
            assert!(text.ends_with("https://id.test/account\n"), "{text}");
            (subject, text)
        };
        for (change, words) in [
            (NoticedChange::PasswordChanged, "a password was chosen"),
            (NoticedChange::AppEnrolled, "an authenticator app was set up"),
            (NoticedChange::AppRemoved, "the authenticator app was removed"),
            (NoticedChange::PasskeyEnrolled, "a passkey was set up"),
            (NoticedChange::PasskeyRemoved, "a passkey was removed"),
            (NoticedChange::RecoveryCodesMade, "new recovery codes were made"),
            (NoticedChange::RecoveryCodeUsed, "a recovery code was used"),
            (NoticedChange::PasskeyCopied, "a passkey was refused, because a copy of it may exist"),
            (NoticedChange::SignedOutEverywhere, "all sessions were ended"),
            (NoticedChange::AccessWithdrawn, "the access of an application was withdrawn"),
        ] {
            let (subject, text) = words_of(change);
            assert!(subject.contains(words) && text.contains(words), "{words}: {subject} {text}");
        }
    }
}
