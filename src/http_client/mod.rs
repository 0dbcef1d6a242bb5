//! Outbound HTTP: clients' keys and request objects, sector documents, logout tokens. The addresses
//! come from people who register clients, so every answer is bounded in size and time, redirects
//! are not followed, and addresses inside the network are refused unless the installation allows
//! them.
//!
//! Must not: know what is fetched, or keep it.

mod concurrency;
mod egress_policy;
mod exchange;
mod http;
mod observed;
mod root_certificates;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

pub use egress_policy::EgressPolicy;
pub use http::HttpFetch;
pub use observed::InstrumentedFetch;
pub use root_certificates::{TrustError, trusted_roots};

/// A way out that any task may use.
pub type SharedFetch = Arc<dyn Fetch>;

/// An answer with a status of 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its body, within the limit.
    pub body: Bytes,
    /// Its `Content-Type`, without parameters, in lower case.
    pub content_type: Option<String>,
    /// How long it may be kept (`Cache-Control: max-age`; `no-store` and `no-cache`: zero).
    pub max_age: Option<Duration>,
}

/// Why nothing came. No message repeats what was sent or received.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Not an absolute http or https URL of a host.
    #[error("the URL cannot be fetched: {0}")]
    Url(&'static str),
    /// The host's addresses are inside the network, or the URL is http and they are not allowed.
    #[error("{0} is not an address that may be called; allow it with --fetch-allow if it is to be")]
    Forbidden(String),
    /// The host has no address.
    #[error("the host {0} cannot be found")]
    Unknown(String),
    /// No connection, TLS or HTTP.
    #[error("no connection to {0}: {1}")]
    Broken(String, String),
    /// Nothing within the time.
    #[error("{0} did not answer in time")]
    Late(String),
    /// Too many fetches at once.
    #[error("too many fetches at once")]
    Busy,
    /// More than the limit.
    #[error("the answer of {0} is larger than {1} bytes")]
    TooLarge(String, usize),
    /// Another status than 200, redirects included.
    #[error("{0} answered with status {1}")]
    Status(String, u16),
}

impl FetchError {
    /// One word for metrics: none of what clients named.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Url(_) => "url",
            Self::Forbidden(_) => "forbidden",
            Self::Unknown(_) => "unknown_host",
            Self::Broken(..) => "no_connection",
            Self::Late(_) => "late",
            Self::Busy => "busy",
            Self::TooLarge(..) => "too_large",
            Self::Status(..) => "status",
        }
    }

    /// Whether another try later may do better.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Url(_) | Self::Forbidden(_) | Self::TooLarge(..) => false,
            Self::Status(_, status) => *status >= 500 || *status == 429,
            Self::Unknown(_) | Self::Broken(..) | Self::Late(_) | Self::Busy => true,
        }
    }
}

/// The way out. Calls end within ten seconds.
#[async_trait]
pub trait Fetch: Send + Sync + fmt::Debug {
    /// Gets a document of at most `limit` bytes.
    async fn get(&self, url: &str, limit: usize) -> Result<Fetched, FetchError>;

    /// Posts a form (`application/x-www-form-urlencoded`); the status of the answer, whatever it
    /// is. Its body is not read.
    async fn post_form(&self, url: &str, form: String) -> Result<u16, FetchError>;
}
