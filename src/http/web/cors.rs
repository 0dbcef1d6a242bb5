//! Cross-origin access to responses (Fetch, "CORS protocol").

use http::{HeaderMap, HeaderValue, header};

use crate::registry::ServedTenant;

/// Which origins may read an endpoint's responses in a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CorsPolicy {
    /// No origin.
    None,
    /// Any origin: the response is public.
    Any,
    /// The origins of the tenant's clients.
    Registered,
}

/// Adds the headers with which the request's origin may read the response, if it may.
pub(crate) fn allow(
    cors: CorsPolicy,
    tenant: &ServedTenant,
    origin: Option<HeaderValue>,
    answer: &mut HeaderMap,
) {
    if cors == CorsPolicy::None {
        return;
    }
    if cors == CorsPolicy::Any {
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        return;
    }
    answer.append(header::VARY, HeaderValue::from_static("origin"));
    let may_read = |origin: &HeaderValue| origin.to_str().is_ok_and(|it| tenant.allows_origin(it));
    if let Some(origin) = origin.filter(may_read) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let exposed = HeaderValue::from_static("www-authenticate");
        answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}

/// Adds the headers of a preflight response. Credentials are not allowed, so such requests contain
/// no cookies.
pub(crate) fn preflight(answer: &mut HeaderMap, methods: &str) {
    if let Ok(methods) = HeaderValue::from_str(methods) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    let headers = HeaderValue::from_static("authorization, content-type");
    answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, headers);
    answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
}
