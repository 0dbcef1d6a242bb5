//! Responses to requests without a route: unknown issuer, unknown endpoint, or an invalid request
//! head.

use http::StatusCode;

use super::{
    Reply, RequestLanguage,
    error::{ErrorFormat, reject_request},
};
use crate::http::{CertificateHeaderError, MemoryExceeded, pages};

/// The reason why a request has no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoutingError {
    /// The request head is too large.
    Large,
    /// The client's address, or all clients, have too many requests in flight.
    Busy(MemoryExceeded),
    /// The request does not contain exactly one host.
    Host,
    /// No issuer has this URL.
    Issuer,
    /// The issuer exists, but not this endpoint.
    Endpoint,
    /// The URL of an address inside the cluster is not that of an endpoint.
    Internal,
    /// The URL at an address where clients present certificates is not that of an endpoint.
    MutualTls,
    /// The header of a proxy with the client's certificate cannot be used.
    Certificate(CertificateHeaderError),
}

/// The error text if the client's address has too many bytes in flight.
pub(crate) const TOO_MANY_OF_ADDRESS_MESSAGE: &str =
    "Too many requests from this address are in flight. Try again in a few seconds.";
/// The error text if all clients have too many bytes in flight.
pub(crate) const TOO_MANY_IN_FLIGHT_MESSAGE: &str =
    "Too many requests are in flight. Try again in a few seconds.";

impl From<MemoryExceeded> for RoutingError {
    fn from(exceeded: MemoryExceeded) -> Self {
        Self::Busy(exceeded)
    }
}

impl From<CertificateHeaderError> for RoutingError {
    fn from(error: CertificateHeaderError) -> Self {
        Self::Certificate(error)
    }
}

impl RoutingError {
    /// Renders a page for browsers, else JSON.
    pub(crate) fn reply(self, shows_page: bool, language: &RequestLanguage, id: &str) -> Reply {
        if let Self::Busy(_) = self {
            // A page would cost more memory, which is what is scarce.
            return reject_request(
                self.status(),
                self.detail(),
                (None, language),
                (ErrorFormat::Json, id),
            )
            .header("retry-after", "2")
            .header("connection", "close");
        }
        if !shows_page {
            return reject_request(
                self.status(),
                self.detail(),
                (None, language),
                (ErrorFormat::Json, id),
            );
        }
        let text = language.text();
        let page = pages::error_page(&pages::ErrorPage {
            tenant: None,
            text,
            title: if self == Self::Endpoint {
                text.not_found_title()
            } else {
                text.unknown_issuer_title()
            },
            message: text.not_found_text(),
            advice: text.not_found_advice(),
            detail: self.detail(),
            code: "not_found",
            request_id: id,
            retry: None,
        });
        Reply::html(self.status(), page)
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::Large => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Busy(MemoryExceeded::Address) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy(MemoryExceeded::Total) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Host | Self::Certificate(_) => StatusCode::BAD_REQUEST,
            Self::Issuer | Self::Endpoint | Self::Internal | Self::MutualTls => {
                StatusCode::NOT_FOUND
            }
        }
    }

    const fn detail(self) -> &'static str {
        match self {
            Self::Large => "The request line and headers exceed 32 KiB.",
            Self::Busy(MemoryExceeded::Address) => TOO_MANY_OF_ADDRESS_MESSAGE,
            Self::Busy(MemoryExceeded::Total) => TOO_MANY_IN_FLIGHT_MESSAGE,
            Self::Host => "The request must contain exactly one host.",
            Self::MutualTls => {
                "This address is for applications with certificates. Its endpoints are in mtls_endpoint_aliases of the \
                 issuer's discovery document."
            }
            Self::Certificate(CertificateHeaderError::Duplicate) => {
                "The proxy sent more than one header with a client certificate."
            }
            Self::Certificate(CertificateHeaderError::Long) => {
                "The header of the proxy with the client certificate is too long."
            }
            Self::Certificate(CertificateHeaderError::Malformed) => {
                "The header of the proxy with the client certificate is malformed."
            }
            Self::Certificate(CertificateHeaderError::WeakKey) => {
                "The client certificate in the header of the proxy has a weak key; RSA keys need at least 2048 bits, \
                 and EC keys 256."
            }
            Self::Issuer => {
                "No issuer has this URL. Compare host and path with the issuer in the tenant's status \
                 (kubectl get tenants.lanyard.dev -A)."
            }
            Self::Internal => {
                "This host is for applications inside the cluster: it has discovery, JWKS, token, userinfo, \
                 introspection and revocation of each tenant at /<namespace>/<name>, no pages, and nothing for \
                 requests that a proxy passed on. Browsers and proxies use the issuer's URL."
            }
            Self::Endpoint => {
                "The issuer has no endpoint at this URL. Its endpoints are listed in the metadata at \
                 /.well-known/openid-configuration below the issuer."
            }
        }
    }
}
