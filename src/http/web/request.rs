//! A request whose tenant has been found and whose body has been read within its limit.

use std::{net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method, header};

use super::{CookiePurpose, EndpointError, cookies};
use crate::{
    keys::Sealer,
    model::Timestamp,
    protocol::{
        error::{ErrorCode, OAuthError},
        params::RequestParams,
    },
    registry::{ServedTenant, Snapshot},
};

/// A request to a tenant.
#[derive(Clone, Debug)]
pub struct Request {
    /// Names it in logs and on error pages.
    pub id: String,
    /// GET (also for HEAD) or POST.
    pub method: Method,
    /// Whose endpoint it is.
    pub tenant: Arc<ServedTenant>,
    /// The path below the issuer.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// The query, without the question mark.
    pub query: String,
    /// The body.
    pub body: Bytes,
    /// The client's address, trusted proxies looked through.
    pub address: IpAddr,
    /// What is served, the same from start to end of the request.
    pub snapshot: Arc<Snapshot>,
    /// When it began.
    pub now: Timestamp,
    /// The same by the store's clock, for what another replica may have dated (`StoreClock`).
    pub store_now: Timestamp,
}

impl Request {
    /// The parameters of the query.
    pub fn query_params(&self) -> Result<RequestParams, OAuthError> {
        RequestParams::read(self.query.as_bytes())
    }

    /// The parameters of a form's body; other content types are refused (RFC 6749 §3.2).
    pub fn form(&self) -> Result<RequestParams, OAuthError> {
        if self.is_form() {
            return RequestParams::read(&self.body);
        }
        Err(OAuthError::new(
            ErrorCode::InvalidRequest,
            "Send the parameters in the body as application/x-www-form-urlencoded.",
        ))
    }

    /// Whether the body is a form.
    pub fn is_form(&self) -> bool {
        let content_type = self.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    }

    /// A header that came once, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    }

    /// The `Authorization` header; sent twice, or no text, it is one that nobody understands.
    pub fn authorization(&self) -> Option<&str> {
        let sent = self.headers.contains_key(header::AUTHORIZATION);
        sent.then(|| self.header("authorization").unwrap_or_default())
    }

    /// A cookie's value.
    pub fn cookie(&self, purpose: CookiePurpose) -> Option<&str> {
        cookies::get(&self.headers, &cookies::name(purpose, &self.tenant))
    }

    /// Whether a page of this issuer's own origin sent the request. Every browser says `Origin` (or
    /// `Sec-Fetch-Site`) with a POST; what says neither is no browser with somebody's cookies.
    pub fn same_origin(&self) -> bool {
        if let Some(origin) = self.headers.get(header::ORIGIN) {
            return origin.as_bytes() == self.tenant.tenant.issuer.origin().as_bytes();
        }
        self.header("sec-fetch-site") == Some("same-origin")
    }

    /// The installation's sealing keys.
    pub fn sealer(&self) -> Result<&Sealer, EndpointError> {
        self.snapshot
            .sealer
            .as_deref()
            .ok_or_else(|| EndpointError::Unavailable("there are no sealing keys yet".to_owned()))
    }
}
