//! The answer where nothing is: no issuer, no such endpoint, or a head that does not say what is meant.

use http::{HeaderMap, StatusCode, header};

use super::{
    Reply,
    error::{ErrorFormat, reject},
};
use crate::http::pages;

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoutingError {
    /// Room: the head is too large.
    Large,
    /// A host, one and no more.
    Host,
    /// An issuer with this address.
    Issuer,
    /// An endpoint of the issuer that is there.
    Endpoint,
}

impl RoutingError {
    /// A page for a browser, else JSON.
    pub(crate) fn reply(self, headers: &HeaderMap, id: &str) -> Reply {
        let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        if !accept.is_some_and(|accept| accept.contains("text/html")) {
            return reject(self.status(), self.detail(), None, (ErrorFormat::Program, id));
        }
        let page = pages::error_page(&pages::ErrorPage {
            tenant: None,
            title: if self == Self::Endpoint { "Nothing here" } else { "No issuer here" },
            message: "This address does not lead to a sign-in service.",
            advice: "Check the address, or go back to the application that sent you here.",
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
            Self::Host => StatusCode::BAD_REQUEST,
            Self::Issuer | Self::Endpoint => StatusCode::NOT_FOUND,
        }
    }

    const fn detail(self) -> &'static str {
        match self {
            Self::Large => "The request's line and headers are larger than 32 KiB.",
            Self::Host => "The request names no host, or more than one.",
            Self::Issuer => {
                "No issuer of this service has this address. Compare host and path with the issuer \
                 that the tenant shows (kubectl get tenants.lanyard.dev -A)."
            }
            Self::Endpoint => {
                "There is an issuer here, but no such endpoint. Its metadata names those that it has: \
                 add /.well-known/openid-configuration to the issuer."
            }
        }
    }
}
