//! The HTTP version of a connection without TLS, by its first bytes. It is detected before hyper reads:
//! hyper-util's own detection waits for them without a timeout.

use std::io::{self, Cursor};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    net::TcpStream,
};

/// The connection preface of HTTP/2 (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The HTTP version of a connection, which does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HttpVersion {
    Http1,
    Http2,
}

impl HttpVersion {
    pub(super) const fn of(http2: bool) -> Self {
        if http2 { Self::Http2 } else { Self::Http1 }
    }
}

/// Reads until the bytes show the version. Returns it with a stream from which they are read again.
pub(super) async fn detect_version(
    stream: TcpStream,
) -> io::Result<(HttpVersion, impl AsyncRead + AsyncWrite + Unpin + Send + 'static)> {
    let (mut reader, writer) = stream.into_split();
    let mut first = Vec::with_capacity(PREFACE.len());
    let version = loop {
        let missing = PREFACE.len() - first.len();
        if (&mut reader).take(missing as u64).read_buf(&mut first).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if !PREFACE.starts_with(&first) {
            break HttpVersion::Http1;
        }
        if first.len() == PREFACE.len() {
            break HttpVersion::Http2;
        }
    };
    Ok((version, tokio::io::join(Cursor::new(first).chain(reader), writer)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{io::AsyncWriteExt, net::TcpListener, time::timeout};

    use super::*;

    /// The version of a connection that sends these parts, and what is read from it afterwards.
    async fn detected(parts: &[&[u8]]) -> io::Result<(HttpVersion, Vec<u8>)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut client = TcpStream::connect(listener.local_addr()?).await?;
        client.set_nodelay(true)?;
        let (server, _) = listener.accept().await?;
        let detecting = tokio::spawn(async move {
            let (version, mut stream) = detect_version(server).await?;
            let mut read = Vec::new();
            stream.read_to_end(&mut read).await?;
            io::Result::Ok((version, read))
        });
        for part in parts {
            client.write_all(part).await?;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drop(client);
        timeout(Duration::from_secs(5), detecting).await?.expect("no panic")
    }

    #[tokio::test]
    async fn the_version_is_detected_by_the_first_bytes_which_are_read_again() {
        for (parts, version) in [
            (&[b"GET / HTTP/1.1\r\n\r\n".as_slice()][..], HttpVersion::Http1),
            (&[b"P", b"RI", b"X / HTTP/1.1\r\n\r\n"], HttpVersion::Http1),
            (&[PREFACE], HttpVersion::Http2),
            (&[&PREFACE[..5], &PREFACE[5..], b"frames"], HttpVersion::Http2),
        ] {
            let found = detected(parts).await.expect("a version");
            assert_eq!(found, (version, parts.concat()));
        }
    }

    #[tokio::test]
    async fn a_connection_that_closes_before_its_version_is_known_ends_at_once() {
        for part in [&PREFACE[..5], b""] {
            let error = detected(&[part]).await.expect_err("nothing to serve");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
