//! Listening, accepting, draining.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};

use super::{App, Limits, Tls};

/// Pages on paths of their own beside the endpoints: the demonstration of `dev`.
#[async_trait]
pub trait Extra: Send + Sync {
    /// Whether a path is one of its.
    fn owns(&self, path: &str) -> bool;

    /// Answers a request, its body read.
    async fn answer(&self, request: Request<Bytes>) -> Response<Full<Bytes>>;
}

/// What serves the endpoints and pages.
pub struct Server {
    app: Arc<App>,
    extra: Option<Arc<dyn Extra>>,
    tls: Option<Arc<Tls>>,
    leaving: Arc<AtomicBool>,
}

/// A server whose port is open.
pub struct Listening {
    server: Arc<Server>,
    listener: TcpListener,
}

impl Server {
    /// A server of an application's endpoints.
    pub fn new(app: Arc<App>) -> Self {
        Self { app, extra: None, tls: None, leaving: Arc::default() }
    }

    /// Serves further pages.
    #[must_use]
    pub fn with_extra(mut self, extra: Arc<dyn Extra>) -> Self {
        self.extra = Some(extra);
        self
    }

    /// Speaks TLS.
    #[must_use]
    pub fn with_tls(mut self, tls: Arc<Tls>) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Opens the port.
    pub async fn listen(self, address: SocketAddr) -> io::Result<Listening> {
        let listener = TcpListener::bind(address).await?;
        Ok(Listening { server: Arc::new(self), listener })
    }

    async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Response<Full<Bytes>> {
        let extra = self.extra.as_ref().filter(|extra| extra.owns(request.uri().path()));
        let Some(extra) = extra else { return self.app.answer(request, peer).await };
        let (parts, body) = request.into_parts();
        let limits = &self.app.config.limits;
        let body =
            tokio::time::timeout(limits.body_timeout, Limited::new(body, limits.body).collect());
        let body = body.await.ok().and_then(Result::ok).map(http_body_util::Collected::to_bytes);
        extra.answer(Request::from_parts(parts, body.unwrap_or_default())).await
    }
}

impl Listening {
    /// The address that was bound: the port, where 0 was asked for.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Once this is true, each answer of HTTP/1 is its connection's last: whoever goes on has moved
    /// elsewhere before idle connections are closed, which cuts requests that are under way to them.
    pub fn leaving(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.server.leaving)
    }

    /// Serves until `stop` turns true, then lets requests in flight finish for at most `drain`.
    pub async fn serve(self, mut stop: watch::Receiver<bool>, drain: Duration) {
        let limits = self.server.app.config.limits;
        let places = Arc::new(Semaphore::new(limits.connections));
        let graceful = GracefulShutdown::new();
        let acceptor = self.server.tls.as_ref().map(|tls| tls.acceptor());
        loop {
            let accepted = tokio::select! {
                accepted = accept(&self.listener, &places) => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let Some((stream, peer, place)) = accepted else { continue };
            let open = Open::count(&self.server.app);
            let connection =
                Connection { server: Arc::clone(&self.server), limits, peer: peer.ip() };
            let watcher = graceful.watcher();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                match acceptor {
                    None => {
                        // Who says nothing in time is a scanner, or holds places on purpose.
                        let version = first_bytes(&stream);
                        if let Ok(Ok(version)) =
                            tokio::time::timeout(limits.head_timeout, version).await
                        {
                            connection.drive(stream, version, watcher).await;
                        }
                    }
                    Some(acceptor) => {
                        let handshake = acceptor.accept(stream);
                        // Who does not finish it is a scanner or gone: no line in the log.
                        if let Ok(Ok(stream)) =
                            tokio::time::timeout(limits.handshake_timeout, handshake).await
                        {
                            let chosen = stream.get_ref().1.alpn_protocol();
                            let version = Version::of(chosen == Some(b"h2"));
                            connection.drive(stream, version, watcher).await;
                        }
                    }
                }
                drop((place, open));
            });
        }
        drop(self.listener);
        if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
            tracing::warn!(
                "requests in flight took longer than the drain timeout and were cut off"
            );
        }
    }
}

/// A connection that is counted until it is dropped, however it ends.
struct Open(Arc<App>);

impl Open {
    fn count(app: &Arc<App>) -> Self {
        app.metrics.connection_opened();
        Self(Arc::clone(app))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.metrics.connection_closed();
    }
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            let _ = stream.set_nodelay(true);
            Some((stream, peer, place))
        }
        Err(error) => {
            // Out of file descriptors, mostly: those that end make room.
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

/// What a connection speaks, known before hyper reads from it: hyper-util's own detection waits for
/// the first bytes without a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Http1,
    Http2,
}

impl Version {
    const fn of(http2: bool) -> Self {
        if http2 { Self::Http2 } else { Self::Http1 }
    }
}

/// How every HTTP/2 connection begins (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a plain connection speaks, by its first bytes, which stay unread.
async fn first_bytes(stream: &TcpStream) -> io::Result<Version> {
    let mut buffer = [0; PREFACE.len()];
    loop {
        let read = stream.peek(&mut buffer).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if !PREFACE.starts_with(&buffer[..read]) {
            return Ok(Version::Http1);
        }
        if read == PREFACE.len() {
            return Ok(Version::Http2);
        }
        // Part of a preface: what is there stays readable, so that only time brings more.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

struct Connection {
    server: Arc<Server>,
    limits: Limits,
    peer: IpAddr,
}

impl Connection {
    async fn drive<S>(
        self,
        stream: S,
        version: Version,
        watcher: hyper_util::server::graceful::Watcher,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { server, limits, peer } = self;
        let builder = auto::Builder::new(TokioExecutor::new());
        let mut builder = match version {
            Version::Http1 => builder.http1_only(),
            Version::Http2 => builder.http2_only(),
        };
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_timeout)
            .max_buf_size(limits.head);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(u32::try_from(limits.head).unwrap_or(u32::MAX))
            .keep_alive_interval(limits.head_timeout)
            .keep_alive_timeout(limits.head_timeout);
        let service = service_fn(move |request| {
            let server = Arc::clone(&server);
            async move {
                let mut answer = server.answer(request, peer).await;
                if version == Version::Http1 && server.leaving.load(Ordering::Relaxed) {
                    answer
                        .headers_mut()
                        .insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        // What goes wrong on a connection is the client's: it has gone, or speaks no HTTP.
        let _ = watcher.watch(connection).await;
    }
}
