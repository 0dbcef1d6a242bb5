//! HTTP as a load driver needs it: one persistent connection per origin, requests that are built
//! once and sent often. It follows no redirects and stores no cookies: see `browser`.

use std::{collections::HashMap, fmt, io::Cursor, sync::Arc};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

/// An answer, its body read to the end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Where requests go: parsed once, sent often.
#[derive(Clone, Debug)]
pub struct TargetUrl {
    origin: Arc<Origin>,
    path: Uri,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Origin {
    tls: bool,
    host: String,
    port: u16,
    authority: HeaderValue,
}

impl TargetUrl {
    /// # Errors
    ///
    /// Not an http or https URL.
    pub fn parse(url: &str) -> Result<Self> {
        Self::of(&Url::parse(url).with_context(|| format!("{url} is not a URL"))?)
    }

    /// # Errors
    ///
    /// Not an http or https URL.
    pub fn of(url: &Url) -> Result<Self> {
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            other => bail!("cannot call {url}: the scheme {other} is not http or https"),
        };
        let host = url.host_str().context("a URL without a host")?.to_owned();
        let authority = url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        let path = url
            .query()
            .map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        Ok(Self {
            origin: Arc::new(Origin {
                tls,
                port: url.port_or_known_default().context("a URL without a port")?,
                host,
                authority: authority.parse()?,
            }),
            path: path.parse()?,
        })
    }
}

impl fmt::Display for TargetUrl {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.origin.tls { "https" } else { "http" };
        write!(
            to,
            "{scheme}://{}{}",
            self.origin.authority.to_str().map_err(|_| fmt::Error)?,
            self.path
        )
    }
}

/// Connections of one worker: one per origin, opened when needed and reopened when closed.
pub struct Http {
    tls: TlsConnector,
    lines: HashMap<Arc<Origin>, SendRequest<Full<Bytes>>>,
}

impl Http {
    pub fn new(tls: TlsConnector) -> Self {
        Self { tls, lines: HashMap::new() }
    }

    /// Send a request without a body.
    ///
    /// # Errors
    ///
    /// The connection failed, or closed before the end of the answer.
    pub async fn get(&mut self, endpoint: &TargetUrl, headers: HeaderMap) -> Result<Answer> {
        self.send(Method::GET, endpoint, headers, Bytes::new()).await
    }

    /// Send a form.
    ///
    /// # Errors
    ///
    /// The connection failed, or closed before the end of the answer.
    pub async fn post(
        &mut self,
        endpoint: &TargetUrl,
        mut headers: HeaderMap,
        form: String,
    ) -> Result<Answer> {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        self.send(Method::POST, endpoint, headers, form.into()).await
    }

    async fn send(
        &mut self,
        method: Method,
        endpoint: &TargetUrl,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = endpoint.path.clone();
        *request.headers_mut() = headers;
        request.headers_mut().insert(header::HOST, endpoint.origin.authority.clone());
        let line = self.line(&endpoint.origin).await?;
        let answer = line.send_request(request).await?;
        let (parts, body) = answer.into_parts();
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await?.to_bytes(),
        })
    }

    async fn line(&mut self, origin: &Arc<Origin>) -> Result<&mut SendRequest<Full<Bytes>>> {
        let usable = match self.lines.get_mut(origin) {
            Some(line) => line.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            let line = self
                .connect(origin)
                .await
                .with_context(|| format!("connecting to {}:{}", origin.host, origin.port))?;
            self.lines.insert(Arc::clone(origin), line);
        }
        Ok(self.lines.get_mut(origin).expect("it was just put there"))
    }

    async fn connect(&self, origin: &Origin) -> Result<SendRequest<Full<Bytes>>> {
        let tcp = TcpStream::connect((origin.host.trim_matches(['[', ']']), origin.port)).await?;
        tcp.set_nodelay(true)?;
        if !origin.tls {
            let (line, connection) = http1::handshake(TokioIo::new(tcp)).await?;
            tokio::spawn(connection);
            return Ok(line);
        }
        let name = ServerName::try_from(origin.host.clone())?;
        let stream = self.tls.connect(name, tcp).await?;
        let (line, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(line)
    }
}

/// The TLS configuration: trusts the system's certificates and those of `ca` (PEM).
///
/// # Errors
///
/// `ca` holds no certificate.
pub fn trust(ca: Option<&[u8]>) -> Result<TlsConnector> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = ca {
        for certificate in CertificateDer::pem_reader_iter(Cursor::new(pem)) {
            roots.add(certificate.context("reading the file of --ca")?)?;
        }
    }
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()?
    .with_root_certificates(roots)
    .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
