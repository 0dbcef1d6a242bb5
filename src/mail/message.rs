//! Messages in plain text (RFC 5322). Names and addresses are data: none becomes a separate header.

use std::time::{Duration, UNIX_EPOCH};

use lettre::{
    Address, Message,
    message::{Mailbox, header, header::ContentType},
};

use super::MailError;
use crate::model::{Entropy, ErrorCause, Timestamp, is_mail_address};

/// Most characters of a name or subject in a header.
const MAX_HEADER_CHARS: usize = 160;

/// A message to one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailText {
    /// The subject of the message (RFC 5322 §3.6.5).
    pub subject: String,
    /// The text. Lines end with `\n`.
    pub text: String,
}

/// A message as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedMail {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) bytes: Vec<u8>,
}

/// Writes a message from an address, with the name of the sender, to an address.
///
/// # Errors
///
/// [`MailError::Address`] for an address that mail cannot be sent to.
pub fn render_mail(
    (from, name): (&str, &str),
    to: &str,
    mail: &MailText,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<RenderedMail, MailError> {
    let (sender, recipient) = (parse_address(from)?, parse_address(to)?);
    let seconds = u64::try_from(now.secs()).unwrap_or_default();
    let id = format!("<{}@{}>", entropy.id(), sender.domain());
    let built = Message::builder()
        .from(Mailbox::new(Some(on_one_line(name)), sender))
        .to(Mailbox::new(None, recipient))
        .date(UNIX_EPOCH + Duration::from_secs(seconds))
        .message_id(Some(id))
        .subject(on_one_line(&mail.subject))
        .raw_header(automatic())
        .header(ContentType::TEXT_PLAIN)
        .body(mail.text.clone())
        .map_err(|error| MailError::Message(ErrorCause::new(error)))?;
    Ok(RenderedMail { from: from.to_owned(), to: to.to_owned(), bytes: built.formatted() })
}

/// No one answers such a message automatically (RFC 3834 §5).
fn automatic() -> header::HeaderValue {
    let name = header::HeaderName::new_from_ascii_str("Auto-Submitted");
    header::HeaderValue::new(name, "auto-generated".to_owned())
}

fn parse_address(text: &str) -> Result<Address, MailError> {
    let checked = Some(text).filter(|text| is_mail_address(text));
    checked.and_then(|text| text.parse().ok()).ok_or(MailError::Address)
}

/// A text without control characters, so that it stays in its header.
fn on_one_line(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).take(MAX_HEADER_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SeededEntropy;

    fn rendered(name: &str, subject: &str, text: &str) -> String {
        let mail = MailText { subject: subject.to_owned(), text: text.to_owned() };
        let now = Timestamp::from_secs(1_900_000_000);
        let from = ("id@harbour.test", name);
        let mail = render_mail(from, "ada@harbour.test", &mail, &SeededEntropy::new(1), now);
        String::from_utf8(mail.expect("a message").bytes).expect("ASCII")
    }

    fn headers(message: &str) -> Vec<&str> {
        let head = message.split_once("\r\n\r\n").expect("a body").0;
        let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
        lines.map(|line| line.split_once(':').expect("a header").0).collect()
    }

    #[test]
    fn a_message_has_exactly_its_headers_whatever_names_contain() {
        let plain = rendered("Harbour", "Hello", "x");
        let expected = headers(&plain);
        for evil in [
            "x\r\nBcc: eve@evil.test",
            "x\nBcc: eve@evil.test\n\nbody",
            "\"x\" <eve@evil.test>, ",
            "J\u{fc}rgen \u{85}Bcc: eve@evil.test",
            &"\u{1f600}".repeat(200),
        ] {
            let message = rendered(evil, evil, "x");
            assert_eq!(headers(&message), expected, "{message}");
            assert!(message.is_ascii(), "{message}");
            assert!(message.contains("\r\nTo: ada@harbour.test\r\n"), "{message}");
        }
        let date = "\r\nDate: Sun, 17 Mar 2030 17:46:40 +0000\r\n";
        assert!(
            plain.contains(date) && plain.contains("Auto-Submitted: auto-generated"),
            "{plain}"
        );
    }

    #[test]
    fn long_lines_and_letters_beyond_ascii_are_encoded() {
        let link = format!("https://id.test/{}", "a".repeat(2000));
        let message =
            rendered("Hafen", "Gr\u{fc}\u{df}e", &format!("Hallo J\u{fc}rgen,\n\n{link}\n"));
        assert!(message.is_ascii());
        assert!(message.split("\r\n").all(|line| line.len() < 998), "RFC 5322 \u{a7}2.1.1");
    }

    #[test]
    fn an_invalid_address_gets_no_message() {
        let mail = MailText { subject: "x".to_owned(), text: "x".to_owned() };
        let to = "ada@harbour.test\r\nDATA";
        let (entropy, now) = (SeededEntropy::new(1), Timestamp::from_secs(0));
        let error = render_mail(("id@harbour.test", "x"), to, &mail, &entropy, now);
        assert_eq!(error, Err(MailError::Address));
    }
}
