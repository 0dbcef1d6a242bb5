//! Cross-origin access to responses (Fetch, "CORS protocol").

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{model::RegistrationMode, registry::ServedTenant};

/// Headers of responses that pages may read besides the safelisted ones.
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static("www-authenticate, retry-after");
/// Headers of requests that pages may send if a preflight request names none.
const DEFAULT_HEADERS: HeaderValue = HeaderValue::from_static("authorization, content-type, dpop");
/// Maximum length of the list of headers in a preflight request.
const MAX_HEADERS_LEN: usize = 1024;

/// Which origins may read an endpoint's responses in a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CorsPolicy {
    /// No origin may read the responses.
    None,
    /// Any origin: the response is public.
    Any,
    /// The origins of the tenant's clients.
    Registered,
    /// Any origin where the tenant's registration is open, otherwise none.
    OpenRegistration,
}

impl CorsPolicy {
    /// The policy at a tenant.
    pub(crate) fn at(self, tenant: &ServedTenant) -> Self {
        match self {
            Self::OpenRegistration if tenant.tenant.registration.mode == RegistrationMode::Open => {
                Self::Any
            }
            Self::OpenRegistration => Self::None,
            other => other,
        }
    }
}

/// Adds the headers with which the request's origin may read the response, if it may.
pub(crate) fn allowed_origin(
    cors: CorsPolicy,
    tenant: &ServedTenant,
    origin: Option<HeaderValue>,
    answer: &mut HeaderMap,
) {
    let may_read = |origin: &HeaderValue| origin.to_str().is_ok_and(|it| tenant.allows_origin(it));
    let allowed = match cors.at(tenant) {
        CorsPolicy::None | CorsPolicy::OpenRegistration => return,
        CorsPolicy::Any => Some(HeaderValue::from_static("*")),
        CorsPolicy::Registered => {
            answer.append(header::VARY, HeaderValue::from_static("origin"));
            origin.filter(may_read)
        }
    };
    if let Some(allowed) = allowed {
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
    }
}

/// Adds the headers of a preflight response. Credentials are not allowed, so such requests contain
/// no cookies, and any header may be sent: pages can do no more with it than a program can.
pub(crate) fn preflight_reply(answer: &mut HeaderMap, methods: &str, asked: Option<&HeaderValue>) {
    if let Ok(methods) = HeaderValue::from_str(methods) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    let asked = asked.filter(|asked| is_header_list(asked)).cloned();
    answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.unwrap_or(DEFAULT_HEADERS));
    answer.append(header::VARY, HeaderValue::from_static("access-control-request-headers"));
    answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
}

/// Whether a value of `Access-Control-Request-Headers` is a list of header names.
fn is_header_list(value: &HeaderValue) -> bool {
    let is_name = |name: &str| HeaderName::from_bytes(name.trim().as_bytes()).is_ok();
    value.len() <= MAX_HEADERS_LEN && value.to_str().is_ok_and(|list| list.split(',').all(is_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preflight_response_repeats_the_header_names_of_the_request() {
        let allowed = |asked: Option<&str>| {
            let mut answer = HeaderMap::new();
            let asked = asked.map(|asked| HeaderValue::from_str(asked).expect("a value"));
            preflight_reply(&mut answer, "POST", asked.as_ref());
            assert_eq!(answer[header::VARY], "access-control-request-headers");
            let allowed = &answer[header::ACCESS_CONTROL_ALLOW_HEADERS];
            allowed.to_str().expect("text").to_owned()
        };
        let list = "authorization,mcp-protocol-version, traceparent";
        assert_eq!(allowed(Some(list)), list);
        let long = "x".repeat(MAX_HEADERS_LEN + 1);
        for other in [None, Some("a b"), Some(""), Some("x,,y"), Some("x: y"), Some(&*long)] {
            assert_eq!(allowed(other), "authorization, content-type, dpop", "{other:?}");
        }
    }
}
