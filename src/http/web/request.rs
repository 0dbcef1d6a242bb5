//! A request whose tenant has been found and whose body has been read within its limit.

use std::{net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method, header};

use super::{CookiePurpose, RequestLanguage, cookies};
use crate::{
    messages::MessageCatalog,
    model::{ClientCertificate, Endpoint, InternalHost, Timestamp},
    protocol::{
        dpop::invalid_dpop_proof,
        error::{ErrorCode, OAuthError},
        params::RequestParams,
    },
    registry::{ServedTenant, Snapshot},
    telemetry::AccessFacts,
};

/// A request to a tenant.
#[derive(Clone, Debug)]
pub struct Request {
    /// The request's id in logs and on error pages.
    pub id: String,
    /// The method: GET (also for HEAD) or POST.
    pub method: Method,
    /// The tenant that the URL belongs to, with its clients and users.
    pub tenant: Arc<ServedTenant>,
    /// The address inside the cluster at which the tenant was found, if it was one.
    pub internal_host: Option<InternalHost>,
    /// The endpoint that the request is for.
    pub endpoint: Endpoint,
    /// The value of the parameter in the endpoint's path; empty if it has none.
    pub path_param: String,
    /// The headers, as they were received. [`Self::address`] and the tenant already follow those of trusted proxies.
    pub headers: HeaderMap,
    /// The query as it was sent, without the question mark; empty for a URL without one.
    pub query: String,
    /// The whole body, at most as long as the endpoint's limit; empty for GET.
    pub body: Bytes,
    /// The client's address: from the headers of trusted proxies, or else that of the connection.
    pub address: IpAddr,
    /// The certificate of the client, whose key the client has (RFC 8705).
    pub certificate: Option<ClientCertificate>,
    /// Whether the host that the tenant was found by came from a forwarding header.
    pub is_forwarded_host: bool,
    /// The snapshot, the same from start to end of the request.
    pub snapshot: Arc<Snapshot>,
    /// The time at which the request started.
    pub now: Timestamp,
    /// The same time by the store's clock, to compare with times that other replicas wrote
    /// (`StoreClock`).
    pub store_now: Timestamp,
    /// The client and user, for the access line, as they become known.
    pub facts: Arc<AccessFacts>,
    /// The language of the pages, chosen when the first one is rendered.
    pub language: Arc<RequestLanguage>,
}

impl Request {
    /// The texts of the pages in the language of this request.
    pub fn text(&self) -> &MessageCatalog {
        self.language.text()
    }

    /// The parameters of the query. Fails if there are too many of them.
    pub fn query_params(&self) -> Result<RequestParams, OAuthError> {
        RequestParams::read(self.query.as_bytes())
    }

    /// The parameters of a form body. Fails for other content types (RFC 6749 §3.2), and if there are too many
    /// parameters.
    pub fn form(&self) -> Result<RequestParams, OAuthError> {
        if self.is_form() {
            return RequestParams::read(&self.body);
        }
        Err(OAuthError::new(
            ErrorCode::InvalidRequest,
            "Send the parameters in the body as application/x-www-form-urlencoded.",
        ))
    }

    /// Returns true if the body is a form.
    pub fn is_form(&self) -> bool {
        let content_type = self.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    }

    /// The value of a header that occurs once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    }

    /// The `Authorization` header. If it occurs twice or is not text, the result is an unknown
    /// scheme.
    pub fn authorization(&self) -> Option<&str> {
        let sent = self.headers.contains_key(header::AUTHORIZATION);
        sent.then(|| self.header("authorization").unwrap_or_default())
    }

    /// The DPoP proof: the header `DPoP`, which occurs once (RFC 9449 §4.3).
    pub fn dpop_proof(&self) -> Result<Option<&str>, OAuthError> {
        let sent = self.headers.contains_key("dpop");
        let malformed = || invalid_dpop_proof("Send one DPoP proof in the header 'DPoP'.");
        sent.then(|| self.header("dpop").ok_or_else(malformed)).transpose()
    }

    /// The value of the tenant's cookie of this purpose; `None` if the browser sent none.
    pub fn cookie(&self, purpose: CookiePurpose) -> Option<&str> {
        cookies::get_cookie(&self.headers, &cookies::cookie_name(purpose, &self.tenant))
    }

    /// Returns true if a page of this issuer's origin sent the request. Every browser sends
    /// `Origin` or `Sec-Fetch-Site` with a POST; a client that sends neither is not a browser with
    /// a user's cookies.
    pub fn same_origin(&self) -> bool {
        if let Some(origin) = self.headers.get(header::ORIGIN) {
            return origin.as_bytes() == self.tenant.tenant.issuer.origin().as_bytes();
        }
        self.header("sec-fetch-site") == Some("same-origin")
    }
}
