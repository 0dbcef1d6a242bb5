//! Routes outside of the tenants' issuers: the demonstration application of `lanyard dev`.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Collected, Full, Limited};

use crate::http::{AppState, ConnectionInfo, RequestBody, RequestService};

/// Handlers of paths that no tenant serves.
#[async_trait]
pub trait ExtraRoutes: Send + Sync {
    /// Returns whether these routes serve the path.
    fn owns(&self, path: &str) -> bool;

    /// Answers a request whose body was read.
    async fn answer(&self, request: Request<Bytes>) -> Response<Full<Bytes>>;
}

/// The provider with further routes in front of it.
pub struct WithExtraRoutes {
    app: Arc<AppState>,
    extra: Arc<dyn ExtraRoutes>,
}

impl WithExtraRoutes {
    /// Serves `extra` for the paths that it owns, and `app` for all others.
    pub fn new(app: Arc<AppState>, extra: Arc<dyn ExtraRoutes>) -> Self {
        Self { app, extra }
    }
}

#[async_trait]
impl RequestService for WithExtraRoutes {
    async fn call(
        &self,
        request: Request<RequestBody>,
        connection: ConnectionInfo,
    ) -> Response<Full<Bytes>> {
        if !self.extra.owns(request.uri().path()) {
            return self.app.call(request, connection).await;
        }
        let (parts, body) = request.into_parts();
        let limits = &self.app.config.limits;
        let body =
            tokio::time::timeout(limits.body_timeout, Limited::new(body, limits.body).collect());
        let body = body.await.ok().and_then(Result::ok).map(Collected::to_bytes);
        self.extra.answer(Request::from_parts(parts, body.unwrap_or_default())).await
    }
}
