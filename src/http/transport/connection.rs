//! One connection: its HTTP version, timeouts and end.

use std::{
    convert::Infallible,
    net::IpAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::Full;
use hyper::{
    body::{Body as _, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{mpsc, watch},
};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;

use super::{
    ConnectionInfo, HttpServer, RequestBody,
    connection_meter::{ConnectionMeter, MeteredBody, MeteredStream},
    head_size,
    http_version::{HttpVersion, detect_version},
    listener_role::connection_certificates,
};

/// HTTP/2 flow-control windows: unread bytes of one body, and of all bodies of a connection. The
/// latter is the least that HTTP/2 allows (RFC 9113 §6.9.2).
const HTTP2_WINDOW_BYTES: (u32, u32) = (32 * 1024, 65_535);
/// Maximum bytes of a response that wait in the buffer of its HTTP/2 stream.
const HTTP2_SEND_BUFFER_BYTES: usize = 16 * 1024;

/// A connection of a client.
pub(crate) struct ServerConnection {
    server: Arc<HttpServer>,
    peer: IpAddr,
    stop: watch::Receiver<bool>,
    /// Dropped once no request can be in flight.
    busy: mpsc::Sender<Infallible>,
}

impl ServerConnection {
    /// An accepted connection. It ends soon after `stop` becomes true, and holds `busy` until then.
    pub(crate) const fn new(
        server: Arc<HttpServer>,
        peer: IpAddr,
        stop: watch::Receiver<bool>,
        busy: mpsc::Sender<Infallible>,
    ) -> Self {
        Self { server, peer, stop, busy }
    }

    /// Serves the connection until it ends.
    pub(crate) async fn serve(self, stream: TcpStream, acceptor: Option<TlsAcceptor>) {
        let limits = self.server.config.limits;
        let mut stop = self.stop.clone();
        let meter = self.meter();
        // Peers that time out here are not logged: they are almost always port scanners or
        // slow-request attacks. Shutdown does not wait for them.
        let Some(acceptor) = acceptor else {
            let detected = tokio::time::timeout(limits.head_timeout, detect_version(stream));
            let detected = tokio::select! {
                biased;
                detected = detected => detected,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            if let Ok(Ok((version, stream))) = detected {
                let stream = MeteredStream::new(stream, Arc::clone(&meter));
                let peer = self.peer.into();
                self.drive(stream, (version, peer), meter).await;
            }
            return;
        };
        let stream = MeteredStream::new(stream, Arc::clone(&meter));
        let handshake = tokio::time::timeout(limits.handshake_timeout, acceptor.accept(stream));
        let stream = tokio::select! {
            biased;
            stream = handshake => stream,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        if let Ok(Ok(stream)) = stream {
            let version = HttpVersion::of(stream.get_ref().1.alpn_protocol() == Some(b"h2"));
            meter.consume_all();
            let sent = stream.get_ref().1.peer_certificates();
            // rustls keeps them, and requests have a copy.
            let kept = 2 * sent.iter().copied().flatten().map(|der| der.len()).sum::<usize>();
            if meter.keep(kept).is_err() {
                return;
            }
            let Some(certificates) = connection_certificates(&self.server.role, sent) else {
                return;
            };
            let peer = ConnectionInfo { peer: self.peer, certificates };
            self.drive(stream, (version, peer), meter).await;
        }
    }

    /// Counts the connection's bytes for the peer. A proxy has no limit of its own, because it
    /// carries the requests of many clients, which have.
    fn meter(&self) -> Arc<ConnectionMeter> {
        let config = &self.server.config;
        let address = Some(self.peer).filter(|peer| !config.trusted_proxies.contains(*peer));
        ConnectionMeter::new(config.memory.permit(address))
    }

    /// Serves requests until the client disconnects, is idle or too slow, or the server stops.
    async fn drive<S>(
        self,
        stream: S,
        (version, info): (HttpVersion, ConnectionInfo),
        meter: Arc<ConnectionMeter>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { server, mut stop, busy, .. } = self;
        let limits = server.config.limits;
        // A client that does not read responses gets the same timeout as an idle one.
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(limits.head_timeout));
        let builder = builder(version, &server);
        let requests = Arc::new(Requests::default());
        let seen = Arc::clone(&requests);
        let counted = Arc::clone(&meter);
        let service = service_fn(move |request| {
            let (server, flight) = (Arc::clone(&server), InFlightRequest::begin(&seen));
            let (meter, info) = (Arc::clone(&counted), info.clone());
            async move {
                let answer = answer(&server, request, (info, version), &meter).await;
                drop(flight);
                Ok::<_, Infallible>(answer)
            }
        });
        let stream = TokioIo::new(Box::pin(stream));
        let mut connection = pin!(builder.serve_connection(stream, service));
        let is_idle = tokio::select! {
            // Connection errors are caused by the client: it disconnected, or does not speak HTTP.
            _ = connection.as_mut() => return,
            () = meter.exceeded() => return,
            _ = stop.wait_for(|stop| *stop) => false,
            // hyper enforces this timeout itself for HTTP/1.
            () = requests.idle_for(limits.head_timeout), if version == HttpVersion::Http2 => true,
        };
        connection.as_mut().graceful_shutdown();
        if is_idle {
            // A client that does not read its response does not delay the end.
            let _ = tokio::time::timeout(limits.request_timeout, connection).await;
        } else {
            let _ = connection.await;
        }
        drop(busy);
    }
}

/// Configures hyper for a connection.
fn builder(version: HttpVersion, server: &HttpServer) -> auto::Builder<TokioExecutor> {
    let limits = server.config.limits;
    let builder = auto::Builder::new(TokioExecutor::new());
    let mut builder = match version {
        HttpVersion::Http1 => builder.http1_only(),
        HttpVersion::Http2 => builder.http2_only(),
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
        .initial_stream_window_size(HTTP2_WINDOW_BYTES.0)
        .initial_connection_window_size(HTTP2_WINDOW_BYTES.1)
        .max_send_buf_size(HTTP2_SEND_BUFFER_BYTES)
        .max_header_list_size(u32::try_from(limits.head).unwrap_or(u32::MAX))
        .keep_alive_interval(limits.head_timeout)
        .keep_alive_timeout(limits.head_timeout);
    builder
}

/// Answers a request, and adapts the response to the HTTP version.
async fn answer(
    server: &HttpServer,
    request: Request<Incoming>,
    (info, version): (ConnectionInfo, HttpVersion),
    meter: &Arc<ConnectionMeter>,
) -> Response<MeteredBody> {
    let _counted = meter.begin_request();
    meter.consume(head_size(&request));
    let is_head = request.method() == Method::HEAD;
    let request = request.map(|body| RequestBody::new(body, Arc::clone(meter)));
    let mut answer = server.service.call(request, info).await;
    if version == HttpVersion::Http2 && is_head {
        // hyper omits the body of responses to HEAD only for HTTP/1 (RFC 9110 §9.3.2).
        let length = answer.body().size_hint().lower();
        answer.headers_mut().entry(header::CONTENT_LENGTH).or_insert_with(|| length.into());
        *answer.body_mut() = Full::default();
    }
    if version == HttpVersion::Http1 && server.leaving.load(Ordering::Relaxed) {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer.map(|body| meter.respond(body))
}

/// Requests and activity of a connection.
#[derive(Debug, Default)]
struct Requests {
    in_flight: AtomicUsize,
    begun: AtomicUsize,
}

impl Requests {
    /// Completes once no request or response was active for this long.
    async fn idle_for(&self, time: Duration) {
        loop {
            let begun = self.begun.load(Ordering::Relaxed);
            tokio::time::sleep(time).await;
            let quiet = self.begun.load(Ordering::Relaxed) == begun;
            if quiet && self.in_flight.load(Ordering::Relaxed) == 0 {
                return;
            }
        }
    }
}

/// Counts a request as in flight until it is dropped.
struct InFlightRequest(Arc<Requests>);

impl InFlightRequest {
    fn begin(requests: &Arc<Requests>) -> Self {
        requests.begun.fetch_add(1, Ordering::Relaxed);
        requests.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(requests))
    }
}

impl Drop for InFlightRequest {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
