//! The common response headers: security policies, caching and the request id.

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body_util::Full;

use super::{Reply, RequestLanguage};
use crate::model::Tenant;

/// Browser features denied to Lanyard's pages and to their frames (Permissions Policy §5.1).
const PERMISSIONS_POLICY: &str = "accelerometer=(), autoplay=(), camera=(), display-capture=(), \
                          geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), \
                          payment=(), serial=(), usb=(), xr-spatial-tracking=()";

/// Two years (RFC 6797 §6.1). Names below the host may serve others, so they are not included.
const STRICT_TRANSPORT_SECURITY: &str = "max-age=63072000";

/// Adds the headers. A handler cannot remove them.
pub(crate) fn add_security_headers(
    reply: Reply,
    (tenant, language): (Option<&Tenant>, &RequestLanguage),
    cacheable: bool,
    id: &str,
) -> Response<Full<Bytes>> {
    let is_page = reply
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|content_type| content_type.as_bytes().starts_with(b"text/html"));
    // The frame of every page has the tenant's logo and font.
    let branding = tenant.map(|tenant| &tenant.branding).filter(|_| is_page);
    let logo = branding.and_then(|branding| branding.logo_uri.as_deref());
    let font = branding.and_then(|branding| branding.font_uri.as_deref());
    let Reply { status, mut headers, body, policy, .. } = reply.image(logo).font(font);
    let frameable = is_page && policy.frameable;
    let policy = if is_page {
        HeaderValue::try_from(policy.csp()).ok()
    } else {
        Some(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"))
    };
    let mut set = |name, value: Option<HeaderValue>| {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    };
    let fixed = |value| Some(HeaderValue::from_static(value));
    set(header::CONTENT_SECURITY_POLICY, policy);
    set(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
    if is_page {
        set(header::HeaderName::from_static("permissions-policy"), fixed(PERMISSIONS_POLICY));
        set(header::CONTENT_LANGUAGE, HeaderValue::from_str(language.text().lang()).ok());
    }
    if !frameable {
        set(header::X_FRAME_OPTIONS, fixed("DENY"));
    }
    set(header::HeaderName::from_static("x-request-id"), HeaderValue::from_str(id).ok());
    if tenant.is_some_and(|tenant| tenant.issuer.is_https_only()) {
        set(header::STRICT_TRANSPORT_SECURITY, fixed(STRICT_TRANSPORT_SECURITY));
    }
    if !cacheable || status.is_client_error() || status.is_server_error() {
        set(header::CACHE_CONTROL, fixed("no-store"));
    }
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    if is_page {
        // A cache must not give it to a person with another language (RFC 9110 §12.5.5).
        headers.append(header::VARY, HeaderValue::from_static("accept-language"));
    }
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;
    use crate::{
        messages::Languages,
        model::{Issuer, fixtures},
    };

    #[test]
    fn browsers_remember_to_use_https() {
        // RFC 6797 §7.2, FAPI 2.0 Security Profile §5.2.1
        let language = RequestLanguage::new(Languages::built_in(), &HeaderMap::new(), "", None);
        for (issuer, expected) in [
            (Some("https://id.test/team/shop"), Some("max-age=63072000")),
            (Some("http://id.test/team/shop"), None),
            (Some("https://localhost:8443/team/shop"), None),
            (None, None),
        ] {
            let tenant = issuer.map(|issuer| {
                let issuer = Issuer::parse(issuer).expect("canonical");
                Tenant { issuer, ..fixtures::tenant() }
            });
            let reply = Reply::empty(StatusCode::OK);
            let of = (tenant.as_ref(), &language);
            let response = add_security_headers(reply, of, false, "id");
            let sent = response.headers().get(header::STRICT_TRANSPORT_SECURITY);
            assert_eq!(sent.map(HeaderValue::as_bytes), expected.map(str::as_bytes), "{issuer:?}");
        }
    }
}
