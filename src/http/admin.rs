//! The admin server: `/healthz`, `/readyz` and `/metrics`, and no other path.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutStream;

use super::{AppState, TrustedProxies, transport::ConnectionLimiter};
use crate::store::{CLOCK_SKEW, SKEW_WARNING, clock_skew};

/// Maximum concurrent connections, in total and per address: probes of the kubelet and scrapers.
const MAX_CONNECTIONS: (usize, usize) = (128, 16);
/// Limit for a peer to send the head of a request, or to continue reading a response.
const PEER_TIMEOUT: Duration = Duration::from_secs(20);

/// Limit for the store's health check.
const READ_TIMEOUT: Duration = Duration::from_secs(1);

/// The process state that readiness depends on, apart from the server's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadinessProbe {
    /// Whether every initial list is complete.
    pub synced: bool,
    /// The time since which the source of objects fails, and the error.
    pub failing: Option<(String, String)>,
    /// Whether this replica holds the Lease.
    pub leads: bool,
    /// Namespaces that are to be watched and may not be.
    pub forbidden_namespaces: Vec<String>,
    /// The reason why this replica must not receive requests: its port is not open yet, or the
    /// store cannot be shared and this replica did not hold the Lease when last observed.
    pub barred: Option<&'static str>,
    /// The reason why restrictions in objects could be lost: the API server's schemas lack them, or
    /// have not been read.
    pub outdated_schemas: Option<String>,
}

/// The admin server: health, readiness and metrics on a port of its own, without TLS or authentication.
pub struct AdminServer {
    app: Arc<AppState>,
    probe: Box<dyn Fn() -> ReadinessProbe + Send + Sync>,
    draining: AtomicBool,
    /// Set once the store has answered. From then on its loss does not make the replica unready,
    /// which would also take discovery and JWKS away.
    store_answered: AtomicBool,
}

impl AdminServer {
    /// An admin server that calls `probe` for the state of the process.
    pub fn new(
        app: Arc<AppState>,
        probe: impl Fn() -> ReadinessProbe + Send + Sync + 'static,
    ) -> Arc<Self> {
        let flag = || AtomicBool::new(false);
        Arc::new(Self { app, probe: Box::new(probe), draining: flag(), store_answered: flag() })
    }

    /// Makes this replica not ready from now on.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Whether this replica is ready, and the details of the response.
    pub async fn readiness(&self) -> (bool, Value) {
        let probe = (self.probe)();
        let snapshot = self.app.registry.snapshot();
        let (store, skew) = self.ask_store().await;
        let draining = self.draining.load(Ordering::SeqCst);
        let ready = probe.synced
            && snapshot.revision > 0
            && snapshot.sealer.is_some()
            && self.store_answered.load(Ordering::SeqCst)
            && u128::from(skew.unsigned_abs()) <= CLOCK_SKEW.as_millis()
            && probe.barred.is_none()
            && probe.outdated_schemas.is_none()
            && !draining;
        let detail = json!({
            "ready": ready,
            "synced": probe.synced,
            "serves": probe.barred.unwrap_or("ok"),
            "snapshot": { "revision": snapshot.revision, "builtAt": snapshot.built_at.to_string(), "tenants": snapshot.tenants().count() },
            "sealingKeys": snapshot.sealer.is_some(),
            "store": store,
            "clockAheadMillis": skew,
            "leads": probe.leads,
            "schemas": probe.outdated_schemas.as_deref().unwrap_or("ok"),
            "forbiddenNamespaces": probe.forbidden_namespaces,
            "draining": draining,
            "source": match probe.failing {
                Some((since, why)) => json!({ "failingSince": since, "error": why }),
                None => json!("ok"),
            },
        });
        (ready, detail)
    }

    /// The store's state, and by how many milliseconds this clock is ahead of the store's: the
    /// value measured last if the store does not answer.
    async fn ask_store(&self) -> (Value, i64) {
        let asked = self.app.now();
        let said = match tokio::time::timeout(READ_TIMEOUT, self.app.accounts.store.state()).await {
            Ok(Ok(state)) => {
                let answered = self.app.now();
                self.store_answered.store(true, Ordering::SeqCst);
                // After a stall of this machine, the round trip would hide much of the skew.
                if let Some(time) = state.time.filter(|_| answered.since(asked) <= READ_TIMEOUT) {
                    self.measure_skew(clock_skew(asked, time, answered));
                }
                json!("ok")
            }
            Ok(Err(error)) => json!(error.to_string()),
            Err(_) => json!("does not answer"),
        };
        (said, self.app.accounts.store_clock.own_is_ahead())
    }

    /// Stores the skew, and logs when it exceeds the limit and when it no longer does.
    fn measure_skew(&self, ahead: i64) {
        self.app.accounts.metrics.clock_skew(ahead);
        let warns = |skew: i64| u128::from(skew.unsigned_abs()) > SKEW_WARNING.as_millis();
        match (warns(self.app.accounts.store_clock.measured(ahead)), warns(ahead)) {
            (false, true) => tracing::warn!(
                clock_ahead_ms = ahead,
                "clock differs from the store's; beyond one minute this replica becomes unready; check NTP on both machines"
            ),
            (true, false) => tracing::info!("clock agrees with the store's again"),
            _ => {}
        }
    }

    /// Serves for as long as the process runs, including while it drains.
    pub async fn serve(self: Arc<Self>, address: SocketAddr) -> io::Result<()> {
        let listener = TcpListener::bind(address).await?;
        let remedy = "These are connections to the port of health and metrics";
        let places = ConnectionLimiter::new(MAX_CONNECTIONS.0, MAX_CONNECTIONS.1, remedy);
        tokio::spawn(async move {
            while let Some(free) = places.acquire_total().await {
                let Ok((stream, peer)) = listener.accept().await else {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                let place = places.acquire_for_address(free, peer.ip(), &TrustedProxies::default());
                let Some(place) = place else { continue };
                let admin = Arc::clone(&self);
                tokio::spawn(async move {
                    admin.serve_connection(stream).await;
                    drop(place);
                });
            }
        });
        Ok(())
    }

    async fn serve_connection(self: Arc<Self>, stream: TcpStream) {
        let service = service_fn(move |request| {
            let admin = Arc::clone(&self);
            async move { Ok::<_, std::convert::Infallible>(admin.answer(&request).await) }
        });
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(PEER_TIMEOUT));
        let _ = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PEER_TIMEOUT)
            .max_buf_size(16 * 1024)
            .serve_connection(TokioIo::new(Box::pin(stream)), service)
            .await;
    }

    async fn answer<B>(&self, request: &http::Request<B>) -> Response<Full<Bytes>> {
        const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return response(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "GET only\n");
        }
        match request.uri().path() {
            "/healthz" => response(StatusCode::OK, "text/plain", "ok\n"),
            "/readyz" => {
                let (ready, detail) = self.readiness().await;
                let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                response(status, "application/json", format!("{detail}\n"))
            }
            "/metrics" => {
                self.app.accounts.metrics.passwords_queued(self.app.passwords.queued());
                response(StatusCode::OK, METRICS, self.app.accounts.metrics.render(self.app.now()))
            }
            _ => response(StatusCode::NOT_FOUND, "text/plain", "/healthz, /readyz, /metrics\n"),
        }
    }
}

fn response(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
