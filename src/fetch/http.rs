//! HTTP over the network: resolves the host, checks the addresses, connects, negotiates TLS, sends
//! one request.
//!
//! A connection carries one request. Callers cache documents, and a pool would keep connections
//! open to hosts chosen by untrusted parties.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::{
    CallResponse, ClientCall, EgressPolicy, FORM, Fetch, FetchError, FetchReach, FetchRights,
    FetchedDocument, SharedFetch, exchange,
};
use crate::model::{BoundedCache, ErrorCause, sha256};

/// Longest time from the call to the last byte of the response.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time for opening a TCP connection to one address.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Maximum addresses of a host that are tried.
const MAX_ADDRESSES: usize = 4;

/// Most TLS configurations that are kept for certificates other than those of the installation.
const MAX_TRUSTED: usize = 64;

/// The HTTP client. It does not limit the number of concurrent calls: see `FairFetch`.
pub struct HttpFetch {
    guard: EgressPolicy,
    tls: TlsConnector,
    /// The digest of the certificates that only this client trusts.
    certificates: Option<[u8; 32]>,
    trust: Arc<TrustStore>,
}

/// The root certificates of the installation, and the configurations that trust others too.
struct TrustStore {
    roots: RootCertStore,
    /// The configurations that trust other certificates too, by the digest of those.
    others: Mutex<BoundedCache<[u8; 32], TlsConnector>>,
}

impl TrustStore {
    /// The configuration that also trusts certificates with this digest. One that cannot be parsed verifies nothing.
    fn trusting(&self, digest: [u8; 32], pem: &str) -> TlsConnector {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = others.get(&digest) {
            return known.clone();
        }
        let certificates = CertificateDer::pem_slice_iter(pem.as_bytes());
        let mut roots = self.roots.clone();
        roots.add_parsable_certificates(certificates.filter_map(Result::ok));
        let connector = connector(roots);
        others.put(digest, connector.clone());
        connector
    }
}

fn connector(roots: RootCertStore) -> TlsConnector {
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}

impl std::fmt::Debug for HttpFetch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpFetch").field("guard", &self.guard).finish_non_exhaustive()
    }
}

/// The destination of a request.
struct Target {
    url: Url,
    host: String,
    port: u16,
    secure: bool,
}

impl HttpFetch {
    /// A client that calls addresses that the policy allows and verifies servers with these root
    /// certificates. Requires an installed crypto provider.
    pub fn new(guard: EgressPolicy, roots: RootCertStore) -> Self {
        let others = Mutex::new(BoundedCache::new(MAX_TRUSTED));
        let tls = connector(roots.clone());
        Self { guard, tls, certificates: None, trust: Arc::new(TrustStore { roots, others }) }
    }

    /// Runs a request with the timeout.
    async fn within<T>(
        &self,
        url: &str,
        run: impl AsyncFnOnce(&Self, &Target) -> Result<T, FetchError>,
    ) -> Result<T, FetchError> {
        let target = target(url)?;
        match timeout(REQUEST_TIMEOUT, run(self, &target)).await {
            Ok(done) => done,
            Err(_) => Err(FetchError::Late(target.host)),
        }
    }

    async fn send(
        &self,
        target: &Target,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, FetchError> {
        let stream = self.connect(target).await?;
        if !target.secure {
            return exchange::send_request(stream, &target.host, request).await;
        }
        let broken = |error: ErrorCause| FetchError::Broken(target.host.clone(), error);
        let name = ServerName::try_from(target.host.trim_matches(['[', ']']).to_owned())
            .map_err(|error| broken(ErrorCause::new(error)))?;
        let stream = self.tls.connect(name, stream).await;
        let stream = stream.map_err(|error| broken(ErrorCause::new(error)))?;
        exchange::send_request(stream, &target.host, request).await
    }

    /// Connects to one of the addresses that the policy allows, and to no other.
    async fn connect(&self, target: &Target) -> Result<TcpStream, FetchError> {
        let addresses = resolve(target).await?;
        let is_public = |it: &SocketAddr| self.guard.allows_with_tls(it.ip());
        let mut last = if !target.secure && addresses.iter().any(is_public) {
            FetchError::Unencrypted(target.host.clone())
        } else {
            FetchError::Forbidden(target.host.clone())
        };
        let may = |address: IpAddr| {
            self.guard.allows_plaintext(address)
                || (target.secure && self.guard.allows_with_tls(address))
        };
        for address in addresses.into_iter().filter(|it| may(it.ip())).take(MAX_ADDRESSES) {
            last = match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => FetchError::Broken(target.host.clone(), ErrorCause::new(error)),
                Err(_) => FetchError::Late(target.host.clone()),
            };
        }
        Err(last)
    }
}

async fn resolve(target: &Target) -> Result<Vec<SocketAddr>, FetchError> {
    let at = |ip: IpAddr| vec![SocketAddr::new(ip, target.port)];
    match target.url.host() {
        Some(Host::Ipv4(address)) => Ok(at(address.into())),
        Some(Host::Ipv6(address)) => Ok(at(address.into())),
        _ => match tokio::net::lookup_host((target.host.as_str(), target.port)).await {
            Ok(addresses) => Ok(addresses.collect()),
            Err(_) => Err(FetchError::Unknown(target.host.clone())),
        },
    }
}

fn target(text: &str) -> Result<Target, FetchError> {
    let url = Url::parse(text).map_err(|_| FetchError::Url("it is not a URL"))?;
    let secure = match url.scheme() {
        "https" => true,
        "http" => false,
        _ => return Err(FetchError::Url("it is neither https nor http")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(FetchError::Url("it contains a user name or password"));
    }
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.ok_or(FetchError::Url("it has no host"))?.to_owned();
    let port = url.port_or_known_default().ok_or(FetchError::Url("it has no port"))?;
    Ok(Target { url, host, port, secure })
}

fn request(
    target: &Target,
    method: Method,
    content_type: Option<&'static str>,
    body: String,
) -> Result<Request<Full<Bytes>>, FetchError> {
    let path = &target.url[url::Position::BeforePath..url::Position::AfterQuery];
    let authority = &target.url[url::Position::BeforeHost..url::Position::AfterPort];
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, authority)
        .header(header::USER_AGENT, concat!("lanyard/", env!("CARGO_PKG_VERSION")))
        .header(header::ACCEPT, "application/json, application/jwt, */*;q=0.5")
        .header(header::CONNECTION, "close");
    if let Some(content_type) = content_type {
        request = request.header(header::CONTENT_TYPE, content_type);
    }
    request.body(Full::from(body)).map_err(|_| FetchError::Url("it cannot be sent"))
}

/// The request of a [`ClientCall`].
fn client_request(
    target: &Target,
    call: &ClientCall<'_>,
) -> Result<Request<Full<Bytes>>, FetchError> {
    let (method, content_type, content) = match call.body {
        Some(body) => (Method::POST, Some(body.content_type), body.content.expose().clone()),
        None => (Method::GET, None, String::new()),
    };
    let mut request = request(target, method, content_type, content)?;
    let headers = request.headers_mut();
    headers.insert(header::ACCEPT, HeaderValue::from_static(call.accept));
    if let Some(authorization) = call.authorization {
        let mut value = HeaderValue::from_str(authorization.expose())
            .map_err(|_| FetchError::Url("its credentials cannot be sent"))?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    Ok(request)
}

#[async_trait]
impl Fetch for HttpFetch {
    async fn get(&self, url: &str, limit: usize) -> Result<FetchedDocument, FetchError> {
        self.within(url, async |network: &Self, target: &Target| {
            let request = request(target, Method::GET, None, String::new())?;
            let response = network.send(target, request).await?;
            exchange::read_response(response, &target.host, limit).await
        })
        .await
    }

    async fn post_form(&self, url: &str, form: String) -> Result<u16, FetchError> {
        self.within(url, async |network: &Self, target: &Target| {
            let request = request(target, Method::POST, Some(FORM), form)?;
            Ok(network.send(target, request).await?.status().as_u16())
        })
        .await
    }

    async fn call(&self, call: ClientCall<'_>, limit: usize) -> Result<CallResponse, FetchError> {
        self.within(call.url, async |network: &Self, target: &Target| {
            let request = client_request(target, &call)?;
            let response = network.send(target, request).await?;
            exchange::read_any_response(response, &target.host, limit).await
        })
        .await
    }

    fn rights(&self, _: &str) -> FetchRights {
        let reach = if self.guard.allows_private_networks() {
            FetchReach::Internal
        } else {
            FetchReach::Public
        };
        FetchRights { reach, certificates: self.certificates }
    }

    fn trusting(&self, certificates: &Arc<str>) -> Option<SharedFetch> {
        let digest = sha256(certificates.as_bytes());
        let tls = self.trust.trusting(digest, certificates);
        let (guard, trust) = (self.guard.clone(), Arc::clone(&self.trust));
        Some(Arc::new(Self { guard, tls, certificates: Some(digest), trust }))
    }
}

#[cfg(test)]
mod tests;
