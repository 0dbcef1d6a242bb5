//! The dialogue with an SMTP server (RFC 5321): over TLS (RFC 8314), STARTTLS (RFC 3207) or neither.

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};

use super::{
    MailError,
    error::{AUTHENTICATION, RECIPIENT},
    message::RenderedMail,
    reply::{SmtpReply, read_reply},
};
use crate::model::{ErrorCause, MailCredentials, MailServer};

/// A dialogue with a mail server (RFC 5321), over TLS or not.
pub(super) struct SmtpDialogue<'a, S> {
    server: &'a MailServer,
    stream: BufReader<S>,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> SmtpDialogue<'a, S> {
    pub(super) fn new(server: &'a MailServer, stream: S) -> Self {
        Self { server, stream: BufReader::new(stream) }
    }

    /// Reads what a server says first.
    pub(super) async fn greet(&mut self) -> Result<(), MailError> {
        self.expect("the connection", 220).await.map(drop)
    }

    /// Starts TLS. Data that arrived before TLS is an error, because it could be taken for data that arrived
    /// over TLS.
    pub(super) async fn ask_for_tls(mut self) -> Result<S, MailError> {
        const STEP: &str = "STARTTLS";
        if !self.hello().await?.offers(STEP) {
            return Err(MailError::NoStartTls);
        }
        self.command(STEP, STEP, 220).await?;
        let is_empty = self.stream.buffer().is_empty();
        is_empty.then(|| self.stream.into_inner()).ok_or(MailError::Malformed(STEP))
    }

    /// Says hello, and signs in if there is an account.
    pub(super) async fn sign_in(&mut self) -> Result<(), MailError> {
        let hello = self.hello().await?;
        match &self.server.credentials {
            None => Ok(()),
            Some(credentials) => self.authenticate(&hello, credentials).await,
        }
    }

    /// Hands a message over. Once it returns `Ok`, the server is responsible for it (RFC 5321 §6.1).
    pub(super) async fn send_mail(&mut self, mail: &RenderedMail) -> Result<(), MailError> {
        let from = format!("MAIL FROM:<{}>", mail.from);
        self.command("the sender", &from, 250).await?;
        self.command(RECIPIENT, &format!("RCPT TO:<{}>", mail.to), 250).await?;
        self.command("DATA", "DATA", 354).await?;
        self.write(&[&dot_stuffed(&mail.bytes), b".\r\n"]).await?;
        self.expect("the message", 250).await.map(drop)
    }

    /// Says goodbye. The server has the message, so its answer changes nothing.
    pub(super) async fn quit(mut self) {
        let _ = self.write(&[b"QUIT\r\n"]).await;
    }

    async fn expect(&mut self, step: &'static str, code: u16) -> Result<SmtpReply, MailError> {
        let reply = read_reply(&mut self.stream).await.ok_or(MailError::Malformed(step))?;
        // RFC 5321 §3.3: 251 is as good for a recipient who has moved.
        if reply.code == code || (code == 250 && reply.code == 251) {
            return Ok(reply);
        }
        Err(MailError::Refused { step, code: reply.code })
    }

    /// Sends a command, and reads its reply.
    async fn command(
        &mut self,
        step: &'static str,
        line: &str,
        code: u16,
    ) -> Result<SmtpReply, MailError> {
        self.write(&[line.as_bytes(), b"\r\n"]).await?;
        self.expect(step, code).await
    }

    async fn write(&mut self, parts: &[&[u8]]) -> Result<(), MailError> {
        let closed = |error| MailError::Unreachable(ErrorCause::new(error));
        let whole = parts.concat();
        let stream = self.stream.get_mut();
        stream.write_all(&whole).await.map_err(closed)?;
        stream.flush().await.map_err(closed)
    }

    async fn hello(&mut self) -> Result<SmtpReply, MailError> {
        let line = format!("EHLO {}", self.server.client_name);
        self.command("EHLO", &line, 250).await
    }

    /// Sends name and password (RFC 4954). Validation lets no account have an unencrypted connection.
    async fn authenticate(
        &mut self,
        hello: &SmtpReply,
        MailCredentials { username, password }: &MailCredentials,
    ) -> Result<(), MailError> {
        if hello.offers_auth("PLAIN") {
            let plain = STANDARD.encode(format!("\0{username}\0{}", password.expose()));
            return self
                .command(AUTHENTICATION, &format!("AUTH PLAIN {plain}"), 235)
                .await
                .map(drop);
        }
        if !hello.offers_auth("LOGIN") {
            return Err(MailError::NoAuth);
        }
        self.command(AUTHENTICATION, "AUTH LOGIN", 334).await?;
        self.command(AUTHENTICATION, &STANDARD.encode(&**username), 334).await?;
        self.command(AUTHENTICATION, &STANDARD.encode(password.expose()), 235).await.map(drop)
    }
}

/// A message whose lines do not end it (RFC 5321 §4.5.2). Lines end with CRLF.
fn dot_stuffed(message: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(message.len() + 16);
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        stuffed.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        stuffed.extend_from_slice(b"\r\n");
    }
    stuffed
}

#[cfg(test)]
mod tests {
    use super::dot_stuffed;

    #[test]
    fn a_line_with_a_dot_does_not_end_a_message() {
        assert_eq!(dot_stuffed(b"a\n.\n..b\r\nc"), b"a\r\n..\r\n...b\r\nc\r\n");
    }
}
