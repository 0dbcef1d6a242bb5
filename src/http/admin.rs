//! The admin port: `/healthz`, `/readyz`, `/metrics`, and nothing else.

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
use tokio::net::TcpListener;

use super::AppState;
use crate::store::{CLOCK_TOLERANCE, SKEW_WARNING, skew};

/// How long the store may take to say that it works.
const READ_TIMEOUT: Duration = Duration::from_secs(1);

/// What the process knows of itself beyond the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadinessProbe {
    /// Whether every first list is in.
    pub synced: bool,
    /// Since when the source of objects fails, and how.
    pub failing: Option<(String, String)>,
    /// Whether this replica holds the Lease.
    pub leads: bool,
    /// Why no request is to come here: the port is not open, or serving is another's, since the store
    /// cannot be shared and this replica was not the Lease's holder when that was last seen.
    pub barred: Option<&'static str>,
}

/// The admin port.
pub struct AdminServer {
    app: Arc<AppState>,
    probe: Box<dyn Fn() -> ReadinessProbe + Send + Sync>,
    draining: AtomicBool,
    /// The store answered once: after that, its loss must not take discovery and JWKS away.
    store_answered: AtomicBool,
}

impl AdminServer {
    /// An admin port that asks `probe` for what the server does not know.
    pub fn new(
        app: Arc<AppState>,
        probe: impl Fn() -> ReadinessProbe + Send + Sync + 'static,
    ) -> Arc<Self> {
        let flag = || AtomicBool::new(false);
        Arc::new(Self { app, probe: Box::new(probe), draining: flag(), store_answered: flag() })
    }

    /// From now on this replica is not ready.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Whether this replica is to be sent requests, and why.
    pub async fn readiness(&self) -> (bool, Value) {
        let probe = (self.probe)();
        let snapshot = self.app.registry.snapshot();
        let (store, skew) = self.ask_store().await;
        let draining = self.draining.load(Ordering::SeqCst);
        let ready = probe.synced
            && snapshot.revision > 0
            && snapshot.sealer.is_some()
            && self.store_answered.load(Ordering::SeqCst)
            && u128::from(skew.unsigned_abs()) <= CLOCK_TOLERANCE.as_millis()
            && probe.barred.is_none()
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
            "draining": draining,
            "source": match probe.failing {
                Some((since, why)) => json!({ "failingSince": since, "error": why }),
                None => json!("ok"),
            },
        });
        (ready, detail)
    }

    /// What the store says of itself, and by how many milliseconds this clock is ahead of its own;
    /// the last that was known if it does not answer.
    async fn ask_store(&self) -> (Value, i64) {
        let asked = self.app.now();
        let said = match tokio::time::timeout(READ_TIMEOUT, self.app.store.state()).await {
            Ok(Ok(state)) => {
                let answered = self.app.now();
                self.store_answered.store(true, Ordering::SeqCst);
                // Where this machine stood still meanwhile, the journey would hide as much of the skew.
                if let Some(time) = state.time.filter(|_| answered.since(asked) <= READ_TIMEOUT) {
                    self.measure_skew(skew(asked, time, answered));
                }
                json!("ok")
            }
            Ok(Err(error)) => json!(error.to_string()),
            Err(_) => json!("does not answer"),
        };
        (said, self.app.store_clock.own_is_ahead())
    }

    /// Told in the log when it begins and when it ends.
    fn measure_skew(&self, ahead: i64) {
        self.app.metrics.clock_skew(ahead);
        let warns = |skew: i64| u128::from(skew.unsigned_abs()) > SKEW_WARNING.as_millis();
        match (warns(self.app.store_clock.measured(ahead)), warns(ahead)) {
            (false, true) => tracing::warn!(
                ahead_millis = ahead,
                "this machine's clock and the store's differ; beyond a minute this replica is not ready: check NTP on both"
            ),
            (true, false) => tracing::info!("this machine's clock agrees with the store's again"),
            _ => {}
        }
    }

    /// Serves for as long as the process runs: while it drains, too.
    pub async fn serve(self: Arc<Self>, address: SocketAddr) -> io::Result<()> {
        let listener = TcpListener::bind(address).await?;
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                let admin = Arc::clone(&self);
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let admin = Arc::clone(&admin);
                        async move { Ok::<_, std::convert::Infallible>(admin.answer(&request).await) }
                    });
                    let _ = hyper::server::conn::http1::Builder::new()
                        .timer(TokioTimer::new())
                        .header_read_timeout(Duration::from_secs(20))
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Ok(())
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
                self.app.metrics.passwords_queued(self.app.passwords.queued());
                response(StatusCode::OK, METRICS, self.app.metrics.render(self.app.now()))
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
