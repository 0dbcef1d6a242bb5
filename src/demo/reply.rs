//! The responses of the demo. Its pages load nothing from other origins.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Response, StatusCode,
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, LOCATION,
        REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    },
};

use super::pages;

/// A response of the demo.
pub(super) type DemoReply = Response<Full<Bytes>>;

const SECURITY_HEADERS: [(HeaderName, &str); 4] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Adds the headers that every response has.
pub(super) fn with_security_headers(mut reply: DemoReply) -> DemoReply {
    for (name, value) in SECURITY_HEADERS {
        reply.headers_mut().insert(name, value.parse().expect("a constant value"));
    }
    reply
}

/// A response with an HTML page, which is not cached.
pub(super) fn html_reply(status: StatusCode, body: String) -> DemoReply {
    let mut reply = Response::new(Full::from(body));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, "text/html; charset=utf-8".parse().expect("a constant value"));
    headers.insert(CACHE_CONTROL, "no-store".parse().expect("a constant value"));
    reply
}

/// The response with the style sheet, which browsers revalidate.
pub(super) fn style_reply() -> DemoReply {
    let mut reply = Response::new(Full::from(pages::STYLE));
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, "text/css; charset=utf-8".parse().expect("a constant value"));
    headers.insert(CACHE_CONTROL, "no-cache".parse().expect("a constant value"));
    reply
}

/// A redirect with 303, or 502 if the URL cannot be the value of a header.
pub(super) fn see_other(url: &str) -> DemoReply {
    let mut reply = html_reply(StatusCode::SEE_OTHER, String::new());
    match url.parse() {
        Ok(url) => {
            reply.headers_mut().insert(LOCATION, url);
        }
        Err(_) => *reply.status_mut() = StatusCode::BAD_GATEWAY,
    }
    reply
}

/// An error for a method that the path does not have.
pub(super) fn method_not_allowed(allowed: &'static str) -> DemoReply {
    let mut reply = html_reply(StatusCode::METHOD_NOT_ALLOWED, String::new());
    reply.headers_mut().insert(ALLOW, allowed.parse().expect("a constant value"));
    reply
}
