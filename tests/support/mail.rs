//! A mail server under the test's control, with STARTTLS or TLS by an authority of its own.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

use super::tls::ServerAuthority;

/// The account that a server with accounts takes.
pub const ACCOUNT: (&str, &str) = ("lanyard", "smtp secret");

/// The behaviour of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailServerMood {
    /// The server takes every message.
    Takes,
    /// The server wants an account (SMTP AUTH, RFC 4954).
    WantsAccount,
    /// The server refuses every recipient permanently (5xx).
    RefusesRecipients,
    /// The server refuses every message for now (4xx).
    IsBusy,
    /// The server accepts connections and sends nothing.
    Hangs,
    /// The server sends its greeting byte by byte.
    Drips,
    /// The server sends something that is not SMTP.
    SpeaksGarbage,
    /// The server sends lines without an end.
    NeverEnds,
    /// The server does not offer STARTTLS.
    HasNoStartTls,
    /// The server sends more in plain text before TLS begins.
    SpeaksBeforeTls,
}

/// A message that a server has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedMail {
    /// The sender of the envelope.
    pub from: String,
    /// The recipients of the envelope.
    pub to: Vec<String>,
    /// The message with its headers, lines end with `\n`.
    pub message: String,
}

impl ReceivedMail {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.message.split("\n\n").next()?;
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The text of the message, decoded from its `Content-Transfer-Encoding`.
    pub fn text(&self) -> String {
        let body = self.message.split_once("\n\n").expect("a body").1;
        match self.header("Content-Transfer-Encoding") {
            Some("quoted-printable") => decode_quoted(body),
            Some("base64") => {
                let bytes = STANDARD.decode(body.replace('\n', "")).expect("base64");
                String::from_utf8(bytes).expect("text")
            }
            _ => body.to_owned(),
        }
    }

    /// The URL in the text.
    pub fn link(&self) -> String {
        let text = self.text();
        let line = text.lines().find(|line| line.starts_with("http"));
        line.unwrap_or_else(|| panic!("no link in {text}")).trim().to_owned()
    }
}

fn decode_quoted(body: &str) -> String {
    let joined = body.replace("=\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'=' {
            let hex = std::str::from_utf8(&after[..2]).expect("hex");
            bytes.push(u8::from_str_radix(hex, 16).expect("hex"));
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).expect("text")
}

/// A running server for `localhost`.
pub struct MailSink {
    /// The port that the server listens on.
    pub port: u16,
    /// The certificate of its authority, as PEM.
    pub certificate: String,
    mood: Arc<Mutex<MailServerMood>>,
    connections: Arc<AtomicUsize>,
    taken: UnboundedReceiver<ReceivedMail>,
}

#[derive(Clone)]
struct Sink {
    acceptor: TlsAcceptor,
    mood: Arc<Mutex<MailServerMood>>,
    taken: UnboundedSender<ReceivedMail>,
}

impl MailSink {
    /// Starts a server that begins in plain text.
    pub async fn start(mood: MailServerMood) -> Self {
        Self::start_with(mood, false).await
    }

    /// Starts a server that begins with TLS.
    pub async fn start_implicit(mood: MailServerMood) -> Self {
        Self::start_with(mood, true).await
    }

    async fn start_with(mood: MailServerMood, implicit: bool) -> Self {
        let authority = ServerAuthority::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (taken, receive) = unbounded_channel();
        let mood = Arc::new(Mutex::new(mood));
        let sink = Sink { acceptor: authority.acceptor(), mood: Arc::clone(&mood), taken };
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let sink = sink.clone();
                tokio::spawn(async move {
                    if implicit {
                        if let Ok(stream) = sink.acceptor.accept(stream).await {
                            let _ = sink.serve(BufReader::new(stream), true).await;
                        }
                    } else {
                        let _ = sink.serve_plain(stream).await;
                    }
                });
            }
        });
        let certificate = authority.certificate;
        Self { port, certificate, mood, connections, taken: receive }
    }

    /// Changes what it does from the next connection on.
    pub fn becomes(&self, mood: MailServerMood) {
        *self.mood.lock().expect("not poisoned") = mood;
    }

    /// The number of connections so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits for the next message.
    pub async fn next(&mut self) -> ReceivedMail {
        let next = timeout(Duration::from_secs(60), self.taken.recv()).await;
        next.expect("a message within a minute").expect("the server runs")
    }

    /// A message that has arrived already.
    pub fn arrived(&mut self) -> Option<ReceivedMail> {
        self.taken.try_recv().ok()
    }

    /// The `spec.mail` of a tenant that sends by it, and the Secret with its certificate, as manifests.
    pub fn manifests(&self) -> (String, String) {
        let port = self.port;
        let mail = format!(
            "  mail: {{host: localhost, port: {port}, from: id@harbour.test, caRef: {{name: smtp-ca}}}}\n"
        );
        let pem = self.certificate.trim_end().replace('\n', "\n    ");
        let secret = format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: smtp-ca}}\nstringData:\n  ca.crt: |\n    {pem}\n"
        );
        (mail, secret)
    }
}

impl Sink {
    async fn serve_plain(&self, stream: TcpStream) -> std::io::Result<()> {
        let mood = *self.mood.lock().expect("not poisoned");
        let mut stream = BufReader::new(stream);
        match mood {
            MailServerMood::Hangs => {
                sleep(Duration::from_secs(120)).await;
                return Ok(());
            }
            MailServerMood::Drips => {
                for byte in
                    b"220 localhost with a greeting that takes a very long time\r\n".repeat(9)
                {
                    stream.write_all(&[byte]).await?;
                    sleep(Duration::from_millis(300)).await;
                }
                return Ok(());
            }
            MailServerMood::SpeaksGarbage => {
                return stream.write_all(b"HTTP/1.1 400 Bad\r\n\r\n").await;
            }
            MailServerMood::NeverEnds => loop {
                stream.write_all(&[b'2'; 8192]).await?;
            },
            _ => {}
        }
        stream.write_all(b"220 localhost ESMTP\r\n").await?;
        let mut line = String::new();
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            match line.trim_end().to_ascii_uppercase().split(' ').next() {
                Some("EHLO") if mood == MailServerMood::HasNoStartTls => {
                    stream.write_all(b"250-localhost\r\n250 8BITMIME\r\n").await?;
                }
                Some("EHLO") => stream.write_all(b"250-localhost\r\n250 STARTTLS\r\n").await?,
                Some("STARTTLS") => {
                    let early: &[u8] = if mood == MailServerMood::SpeaksBeforeTls {
                        b"220 go on\r\n250-localhost\r\n250 AUTH PLAIN\r\n"
                    } else {
                        b"220 go on\r\n"
                    };
                    stream.write_all(early).await?;
                    let stream = self.acceptor.accept(stream.into_inner()).await?;
                    return self.serve(BufReader::new(stream), false).await;
                }
                _ => stream.write_all(b"530 Must issue a STARTTLS command first\r\n").await?,
            }
        }
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: BufReader<S>,
        greet: bool,
    ) -> std::io::Result<()> {
        let mood = *self.mood.lock().expect("not poisoned");
        if greet {
            stream.write_all(b"220 localhost ESMTP\r\n").await?;
        }
        let (mut from, mut to, mut is_known) = (String::new(), Vec::new(), false);
        let mut line = String::new();
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let command = line.trim_end().to_owned();
            let reply: &[u8] = match command.split([' ', ':']).next().unwrap_or_default() {
                "EHLO" => b"250-localhost\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n",
                "AUTH" => {
                    let plain = format!("\0{}\0{}", ACCOUNT.0, ACCOUNT.1);
                    is_known = command == format!("AUTH PLAIN {}", STANDARD.encode(plain));
                    if is_known { b"235 welcome\r\n" } else { b"535 wrong\r\n" }
                }
                "MAIL" if mood == MailServerMood::WantsAccount && !is_known => b"530 who?\r\n",
                "MAIL" if mood == MailServerMood::IsBusy => b"451 later\r\n",
                "MAIL" => {
                    from = between(&command);
                    b"250 ok\r\n"
                }
                "RCPT" if mood == MailServerMood::RefusesRecipients => b"550 no such user\r\n",
                "RCPT" => {
                    to.push(between(&command));
                    b"250 ok\r\n"
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    let message = read_message(&mut stream).await?;
                    let (from, to) = (from.clone(), std::mem::take(&mut to));
                    let _ = self.taken.send(ReceivedMail { from, to, message });
                    b"250 taken\r\n"
                }
                "QUIT" => return stream.write_all(b"221 bye\r\n").await,
                _ => b"500 what?\r\n",
            };
            stream.write_all(reply).await?;
        }
    }
}

fn between(command: &str) -> String {
    let inner = command.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or_else(String::new, |(address, _)| address.to_owned())
}

async fn read_message(stream: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<String> {
    let mut message = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end_matches(['\r', '\n']);
        if line == "." {
            return Ok(message);
        }
        message.push_str(line.strip_prefix('.').unwrap_or(line));
        message.push('\n');
    }
}
