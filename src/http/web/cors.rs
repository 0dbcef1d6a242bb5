//! Which pages of other origins may read an answer (Fetch, "CORS protocol").

use http::{HeaderMap, HeaderValue, header};

use crate::registry::ServedTenant;

/// Who may read an endpoint's answers from a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CorsPolicy {
    /// No page.
    None,
    /// Any page: the answer is public.
    Any,
    /// Pages on the origins of the tenant's clients.
    Registered,
}

/// The headers that let the origin of the request read the answer, if it may.
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

/// What a preflight asks beyond that. No credentials: cookies never come with such a request.
pub(crate) fn preflight(answer: &mut HeaderMap, methods: &str) {
    if let Ok(methods) = HeaderValue::from_str(methods) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    let headers = HeaderValue::from_static("authorization, content-type");
    answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, headers);
    answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
}
