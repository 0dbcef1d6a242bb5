//! Calls of this installation's own issuers: the handlers answer without a connection, so it does not
//! matter which address the issuer's host has inside the network.

use std::{
    net::IpAddr,
    sync::{Arc, Weak},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use url::{Position, Url};

use super::AppState;
use crate::{
    fetch::{
        CallBody, CallResponse, ClientCall, Fetch, FetchError, FetchReach, FetchRights,
        FetchedDocument, LocalIssuers, SharedFetch,
    },
    model::{Endpoint, Secret},
};

/// Limit of a call, as over the network.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Calls the handlers of this process.
#[derive(Debug)]
pub(super) struct LocalFetch {
    /// The state of the handlers.
    pub(super) app: Weak<AppState>,
    /// The address of the client whose request causes the calls.
    pub(super) address: IpAddr,
}

impl LocalFetch {
    async fn answer(&self, call: ClientCall<'_>, limit: usize) -> Result<CallResponse, FetchError> {
        let url = Url::parse(call.url).map_err(|_| FetchError::Url("it is not a URL"))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let request = local_request(&url, &call).ok_or(FetchError::Url("it is not plain"))?;
        let app: Arc<AppState> =
            self.app.upgrade().ok_or_else(|| FetchError::Unknown(host.clone()))?;
        let answer = tokio::time::timeout(CALL_TIMEOUT, app.answer(request, self.address)).await;
        let (head, body) = answer.map_err(|_| FetchError::Late(host.clone()))?.into_parts();
        let Ok(body) = body.collect().await;
        let body = body.to_bytes();
        if body.len() > limit {
            return Err(FetchError::TooLarge(host, limit));
        }
        let response = Response::from_parts(head, ());
        let content_type = response.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let essence = content_type.and_then(|value| value.split(';').next());
        Ok(CallResponse {
            status: response.status().as_u16(),
            body,
            content_type: essence.map(|essence| essence.trim().to_ascii_lowercase()),
            next: None,
            github_sso: None,
        })
    }
}

/// The request of a call.
fn local_request(url: &Url, call: &ClientCall<'_>) -> Option<Request<Full<Bytes>>> {
    let method = if call.body.is_some() { Method::POST } else { Method::GET };
    let mut request = Request::builder()
        .method(method)
        .uri(&url[Position::BeforePath..Position::AfterQuery])
        .header(header::HOST, &url[Position::BeforeHost..Position::AfterPort])
        .header(header::ACCEPT, call.accept);
    if let Some(body) = call.body {
        request = request.header(header::CONTENT_TYPE, body.content_type);
    }
    if let Some(authorization) = call.authorization {
        let mut value = HeaderValue::from_str(authorization.expose()).ok()?;
        value.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, value);
    }
    let content = call.body.map(|body| Bytes::from(body.content.expose().clone()));
    request.body(Full::new(content.unwrap_or_default())).ok()
}

impl AppState {
    /// Puts the state into an `Arc`, through which it can call the issuers that it serves.
    pub fn into_shared(self) -> Arc<Self> {
        Arc::new_cyclic(|own| {
            let handlers = Arc::new(LocalHandlers(Weak::clone(own)));
            self.accounts.local_issuers.get_or_init(|| handlers);
            self
        })
    }
}

/// Makes clients that call the handlers of this process.
#[derive(Debug)]
struct LocalHandlers(Weak<AppState>);

impl LocalIssuers for LocalHandlers {
    fn client_for(&self, address: IpAddr) -> SharedFetch {
        Arc::new(LocalFetch { app: Weak::clone(&self.0), address })
    }

    fn has_keys_at(&self, url: &str) -> bool {
        let Some((app, parsed)) = self.0.upgrade().zip(Url::parse(url).ok()) else { return false };
        let authority = &parsed[Position::BeforeHost..Position::AfterPort];
        let snapshot = app.registry.snapshot();
        let found = snapshot.route(authority, parsed.path());
        found.is_some_and(|(tenant, _)| Endpoint::Jwks.url(&tenant.tenant.issuer) == url)
    }
}

#[async_trait]
impl Fetch for LocalFetch {
    async fn get(&self, url: &str, limit: usize) -> Result<FetchedDocument, FetchError> {
        let call = ClientCall { url, authorization: None, accept: "application/json", body: None };
        let CallResponse { status, body, content_type, .. } = self.answer(call, limit).await?;
        if status != 200 {
            let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
            return Err(FetchError::Status(host.unwrap_or_default(), status));
        }
        // A document of this process costs nothing.
        Ok(FetchedDocument { body, content_type, max_age: Some(Duration::ZERO) })
    }

    async fn post_form(&self, url: &str, form: String) -> Result<u16, FetchError> {
        let form = Secret::new(form);
        let call = ClientCall {
            url,
            authorization: None,
            accept: "*/*",
            body: Some(CallBody::form(&form)),
        };
        Ok(self.answer(call, usize::MAX).await?.status)
    }

    async fn call(&self, call: ClientCall<'_>, limit: usize) -> Result<CallResponse, FetchError> {
        self.answer(call, limit).await
    }

    fn rights(&self, _: &str) -> FetchRights {
        FetchRights { reach: FetchReach::Local, certificates: None }
    }
}
