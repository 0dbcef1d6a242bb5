//! Outbound HTTP: clients' keys and request objects, sector documents, logout tokens, and identity providers. The
//! URLs come from authors of objects and from parties that register clients. So every response is limited in size
//! and time, and redirects are not followed. Addresses inside the network are refused unless the installation
//! allows them.
//!
//! Must not: interpret or cache documents.

mod concurrency;
mod egress_policy;
mod exchange;
mod http;
mod observed;
mod rights;
mod root_certificates;
mod shared;
mod upstream_fetch;

use std::{fmt, io, net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

pub use concurrency::{ConcurrencyLimiter, ConcurrencyLimits, FetchOwner};
pub use egress_policy::EgressPolicy;
pub(crate) use exchange::send_request;
pub use http::HttpFetch;
pub use observed::InstrumentedFetch;
pub use rights::{FetchReach, FetchRights};
pub use root_certificates::{TrustError, trusted_roots};
pub use shared::FairFetch;
pub use upstream_fetch::UpstreamFetch;

use crate::model::{ErrorCause, Secret};

/// An HTTP client shared between tasks.
pub type SharedFetch = Arc<dyn Fetch>;

/// Makes clients for the issuers of this installation, which it answers without a connection.
pub trait LocalIssuers: fmt::Debug + Send + Sync {
    /// The client for calls that a request from an address causes.
    fn client_for(&self, address: IpAddr) -> SharedFetch;

    /// Returns true for the URL of an issuer's keys.
    fn has_keys_at(&self, url: &str) -> bool;
}

/// A response with status 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedDocument {
    /// The body, within the size limit.
    pub body: Bytes,
    /// `Content-Type` without parameters, in lower case.
    pub content_type: Option<String>,
    /// How long the response may be cached (`Cache-Control: max-age`; zero for `no-store` and
    /// `no-cache`).
    pub max_age: Option<Duration>,
}

/// The reason why a call failed. Its message does not repeat data that was sent or received.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The URL is not an absolute http or https URL with a host.
    #[error("the URL cannot be fetched: {0}")]
    Url(&'static str),
    /// The host's addresses are internal, and the installation does not allow them.
    #[error(
        "{0} is not an address that may be called; to allow it, set --fetch-allow, or list the host of an identity provider in upstreamHosts"
    )]
    Forbidden(String),
    /// The URL uses http, and the host has a public address.
    #[error(
        "{0} has a public address, which is called with https only; use https, or allow the address by --fetch-allow"
    )]
    Unencrypted(String),
    /// The host name does not resolve.
    #[error("the host {0} cannot be found")]
    Unknown(String),
    /// The connection, TLS handshake or HTTP exchange failed.
    #[error("no connection to {0}: {1}")]
    Broken(String, #[source] ErrorCause),
    /// The server did not answer within the time limit.
    #[error("{0} did not answer in time")]
    Late(String),
    /// The concurrency limit is reached.
    #[error("too many fetches at once")]
    Busy,
    /// The response exceeds the size limit.
    #[error("the response of {0} is larger than {1} bytes")]
    TooLarge(String, usize),
    /// The status is not 200. Redirects are included.
    #[error("{0} answered with status {1}")]
    Status(String, u16),
}

impl FetchError {
    /// Returns true if the server's certificate is not valid.
    pub fn is_about_certificate(&self) -> bool {
        matches!(self, Self::Broken(_, cause) if is_certificate_error(cause))
    }

    /// Returns true if the host was not called, because it may not be called in this way.
    pub const fn is_forbidden(&self) -> bool {
        matches!(self, Self::Forbidden(_) | Self::Unencrypted(_))
    }

    /// Returns true if a later attempt may succeed.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Url(_) | Self::Forbidden(_) | Self::Unencrypted(_) | Self::TooLarge(..) => false,
            Self::Status(_, status) => *status >= 500 || *status == 429,
            Self::Unknown(_) | Self::Broken(..) | Self::Late(_) | Self::Busy => true,
        }
    }
}

/// Returns true if a connection failed because the server's certificate is not valid.
pub fn is_certificate_error(cause: &ErrorCause) -> bool {
    let cause = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let cause = cause.and_then(|cause| cause.downcast_ref::<rustls::Error>());
    matches!(cause, Some(rustls::Error::InvalidCertificate(_)))
}

/// A request of an OAuth client: to a token endpoint, or with a token.
#[derive(Clone, Debug)]
pub struct ClientCall<'a> {
    /// The absolute URL, with http or https.
    pub url: &'a str,
    /// The value of `Authorization`, with its scheme; `None`: the header is not sent.
    pub authorization: Option<&'a Secret<String>>,
    /// The value of `Accept`: the media type of the response.
    pub accept: &'static str,
    /// The content to post; `None` for a GET.
    pub body: Option<CallBody<'a>>,
}

/// The content of a request.
#[derive(Clone, Copy, Debug)]
pub struct CallBody<'a> {
    /// The value of `Content-Type`: the media type of the content.
    pub content_type: &'static str,
    /// The content as it is sent.
    pub content: &'a Secret<String>,
}

impl<'a> CallBody<'a> {
    /// A body of the type `application/x-www-form-urlencoded`, already encoded.
    pub const fn form(content: &'a Secret<String>) -> Self {
        Self { content_type: FORM, content }
    }

    /// A body of the type `application/json`, already serialized.
    pub const fn json(content: &'a Secret<String>) -> Self {
        Self { content_type: "application/json", content }
    }
}

/// The media type of forms.
const FORM: &str = "application/x-www-form-urlencoded";

/// A response with any status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallResponse {
    /// The HTTP status. Redirects are not followed.
    pub status: u16,
    /// The body, within the size limit.
    pub body: Bytes,
    /// `Content-Type` without parameters, in lower case.
    pub content_type: Option<String>,
    /// The target of `rel="next"` in `Link` (RFC 8288).
    pub next: Option<String>,
    /// `X-GitHub-SSO`: what GitHub leaves out, or where to sign in for it.
    pub github_sso: Option<String>,
}

/// Outbound HTTP. A call ends within ten seconds after its start. A client that shares calls fairly may let it wait for
/// ten more.
#[async_trait]
pub trait Fetch: Send + Sync + fmt::Debug {
    /// Gets a document of at most `limit` bytes.
    async fn get(&self, url: &str, limit: usize) -> Result<FetchedDocument, FetchError>;

    /// Posts a form (`application/x-www-form-urlencoded`) and returns the status of the response,
    /// which may be any. The response's body is not read.
    async fn post_form(&self, url: &str, form: String) -> Result<u16, FetchError>;

    /// Sends a request of an OAuth client, and reads at most `limit` bytes of the response, whatever
    /// its status.
    async fn call(&self, call: ClientCall<'_>, limit: usize) -> Result<CallResponse, FetchError>;

    /// The rights of the client at a URL, by which caches keep documents apart.
    fn rights(&self, _url: &str) -> FetchRights {
        FetchRights::default()
    }

    /// The same client, which also trusts these PEM certificates of authorities. `None` if it verifies no
    /// certificates, because it makes no connections.
    fn trusting(&self, _certificates: &Arc<str>) -> Option<SharedFetch> {
        None
    }
}

/// A client that also trusts these certificates. Without certificates it is the client itself, and also where the
/// client makes no connections.
pub fn trusting_client(client: SharedFetch, certificates: Option<&Arc<str>>) -> SharedFetch {
    certificates.and_then(|certificates| client.trusting(certificates)).unwrap_or(client)
}
