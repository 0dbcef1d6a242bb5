//! The demo's own requests to the provider's public endpoints.
//!
//! They are sent to the server's own address with the issuer's `Host` header, whatever host the
//! issuer has. So they work before DNS does, and cannot reach another server.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, StatusCode, Uri,
    header::{ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{fetch::send_request, model::Issuer};

use super::pinned_certificate;

const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_RESPONSE_BYTES: usize = 256 * 1024;

/// The discovery document's values that the demo uses.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ProviderMetadata {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub userinfo_endpoint: Option<String>,
    pub jwks_uri: String,
    pub end_session_endpoint: Option<String>,
    /// Whether responses contain `iss` (RFC 9207).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

/// A request of the demo to the provider that failed, with its URL.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProviderCallError {
    #[error("{url} could not be reached: {reason}")]
    Unreachable { url: String, reason: String },
    #[error("{url} answered {status}: {error}")]
    Refused { url: String, status: StatusCode, error: String },
    #[error("{url} sent an unexpected response: {reason}")]
    Unexpected { url: String, reason: String },
}

/// The HTTP client for the provider that serves the demo.
pub(super) struct ProviderHttpClient {
    server: SocketAddr,
    certificate: Option<PathBuf>,
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// The client authentication of a request.
pub(super) enum ClientAuthorization<'a> {
    None,
    Bearer(&'a str),
    Basic(String),
}

impl ProviderHttpClient {
    pub(super) fn new(mut server: SocketAddr, certificate: Option<PathBuf>) -> Self {
        if server.ip().is_unspecified() {
            server.set_ip(match server.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        Self { server, certificate }
    }

    /// Fetches the discovery document, whose `issuer` must match (OIDC Discovery §4.3).
    pub(super) async fn discover(
        &self,
        issuer: &Issuer,
    ) -> Result<ProviderMetadata, ProviderCallError> {
        let url = issuer.join("/.well-known/openid-configuration");
        let metadata: ProviderMetadata = self.get(&url, ClientAuthorization::None).await?;
        if metadata.issuer == issuer.as_str() {
            Ok(metadata)
        } else {
            let reason = format!("its issuer is {}", metadata.issuer);
            Err(ProviderCallError::Unexpected { url, reason })
        }
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        url: &str,
        authorization: ClientAuthorization<'_>,
    ) -> Result<T, ProviderCallError> {
        self.call(url, authorization, None).await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        url: &str,
        authorization: ClientAuthorization<'_>,
        form: &[(&str, &str)],
    ) -> Result<T, ProviderCallError> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.call(url, authorization, Some(form)).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        url: &str,
        authorization: ClientAuthorization<'_>,
        form: Option<String>,
    ) -> Result<T, ProviderCallError> {
        let unreachable =
            |reason: String| ProviderCallError::Unreachable { url: url.to_owned(), reason };
        let request =
            request(url, authorization, form).map_err(|error| unreachable(error.to_string()))?;
        let (status, body) = tokio::time::timeout(TIMEOUT, self.exchange(request))
            .await
            .map_err(|_| unreachable("no response in time".to_owned()))?
            .map_err(|error| unreachable(error.to_string()))?;
        if !status.is_success() {
            return Err(ProviderCallError::Refused {
                url: url.to_owned(),
                status,
                error: describe_error(&body),
            });
        }
        serde_json::from_slice(&body).map_err(|error| ProviderCallError::Unexpected {
            url: url.to_owned(),
            reason: error.to_string(),
        })
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Failed> {
        let stream = TcpStream::connect(self.server).await?;
        let host = self.server.ip().to_string();
        let response = match &self.certificate {
            None => send_request(stream, &host, request).await?,
            Some(path) => {
                let connector = TlsConnector::from(pinned_certificate::pinned_tls_config(path)?);
                let stream = connector.connect(self.server.ip().into(), stream).await?;
                send_request(stream, &host, request).await?
            }
        };
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_RESPONSE_BYTES).collect().await?;
        Ok((status, body.to_bytes()))
    }
}

fn request(
    url: &str,
    authorization: ClientAuthorization<'_>,
    form: Option<String>,
) -> Result<Request<Full<Bytes>>, Failed> {
    let url: Uri = url.parse()?;
    let authority = url.authority().ok_or("not an absolute URL")?;
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::builder()
        .method(if form.is_some() { "POST" } else { "GET" })
        .uri(path)
        .header(HOST, authority.as_str())
        .header(ACCEPT, "application/json")
        .header(CONNECTION, "close");
    request = match authorization {
        ClientAuthorization::None => request,
        ClientAuthorization::Bearer(token) => {
            request.header(AUTHORIZATION, format!("Bearer {token}"))
        }
        ClientAuthorization::Basic(credentials) => {
            request.header(AUTHORIZATION, format!("Basic {credentials}"))
        }
    };
    if form.is_some() {
        request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    }
    Ok(request.body(Full::from(form.unwrap_or_default()))?)
}

/// Describes an error response, by OAuth's two members if it has them.
fn describe_error(body: &[u8]) -> String {
    let error: Option<Value> = serde_json::from_slice(body).ok();
    let member = |name| error.as_ref().and_then(|error| error.get(name)).and_then(Value::as_str);
    match (member("error"), member("error_description")) {
        (Some(error), Some(description)) => format!("{error}: {description}"),
        (Some(error), None) => error.to_owned(),
        _ => "no JSON error in the response".to_owned(),
    }
}
