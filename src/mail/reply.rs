//! Replies of an SMTP server (RFC 5321 §4.2), within bounds.

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

/// Longest line: that of RFC 5321 §4.5.3.1.5, and some more for servers that do not know it.
const MAX_LINE: u64 = 2048;
/// The maximum number of lines of a reply.
const MAX_LINES: usize = 64;

/// A reply of the server (RFC 5321 §4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SmtpReply {
    pub(super) code: u16,
    /// The texts of its lines.
    pub(super) lines: Vec<String>,
}

impl SmtpReply {
    /// Returns true if the reply to EHLO names an extension.
    pub(super) fn offers(&self, extension: &str) -> bool {
        self.lines.iter().skip(1).any(|line| {
            line.split([' ', '=']).next().is_some_and(|word| word.eq_ignore_ascii_case(extension))
        })
    }

    /// Returns true if the reply to EHLO names a way to sign in (RFC 4954 §3).
    pub(super) fn offers_auth(&self, mechanism: &str) -> bool {
        let named = self.lines.iter().skip(1).filter_map(|line| {
            let (word, rest) = line.split_once([' ', '='])?;
            word.eq_ignore_ascii_case("AUTH").then_some(rest)
        });
        named.flat_map(str::split_whitespace).any(|it| it.eq_ignore_ascii_case(mechanism))
    }
}

/// Reads a reply. `None` for anything else.
pub(super) async fn read_reply(stream: &mut (impl AsyncBufRead + Unpin)) -> Option<SmtpReply> {
    let mut lines = Vec::new();
    while lines.len() < MAX_LINES {
        let mut line = Vec::new();
        stream.take(MAX_LINE).read_until(b'\n', &mut line).await.ok()?;
        let line = line.strip_suffix(b"\n")?;
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned();
        let code: u16 = line.get(..3)?.parse().ok().filter(|code| (200..600).contains(code))?;
        let (is_last, text) = match line.as_bytes().get(3) {
            None | Some(b' ') => (true, line.get(4..).unwrap_or_default()),
            Some(b'-') => (false, line.get(4..)?),
            Some(_) => return None,
        };
        lines.push(text.to_owned());
        if is_last {
            return Some(SmtpReply { code, lines });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &str) -> Option<SmtpReply> {
        read_reply(&mut text.as_bytes()).await
    }

    #[tokio::test]
    async fn a_reply_has_one_line_or_more() {
        let one = read("250 OK\r\n").await.expect("a reply");
        assert_eq!((one.code, one.lines), (250, vec!["OK".to_owned()]));
        let many =
            read("250-mail.test\r\n250-STARTTLS\r\n250-auth PLAIN login\r\n250 8BITMIME\r\n");
        let many = many.await.expect("a reply");
        assert!(many.offers("STARTTLS") && many.offers("8bitmime") && !many.offers("mail.test"));
        assert!(many.offers_auth("PLAIN") && many.offers_auth("LOGIN"));
        assert!(!many.offers_auth("XOAUTH2") && !many.offers_auth("8BITMIME"));
        assert_eq!(read("354\r\n").await.map(|it| it.code), Some(354));
    }

    #[tokio::test]
    async fn anything_else_is_refused() {
        let endless = format!("250-{}", "x".repeat(5000));
        let many = "250-x\r\n".repeat(100);
        for text in
            ["", "250 OK", "hello\r\n", "99 x\r\n", "999 x\r\n", "250?x\r\n", &endless, &many]
        {
            assert_eq!(read(text).await, None, "{text:.20}");
        }
    }
}
