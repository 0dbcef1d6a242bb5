//! A handler's response, before the common headers are added.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{self, IntoHeaderName},
};
use serde::Serialize;
use url::Url;

use super::{
    CookiePurpose,
    csp::{self, PagePolicy},
};
use crate::protocol::{authorize::AuthorizationResponse, error::OAuthError};

const HTML: &str = "text/html; charset=utf-8";

/// Capacity for the headers of most responses, so that the map does not grow while they are added.
const COMMON_HEADERS: usize = 16;

/// An error response (RFC 6749 §5.2).
#[derive(Serialize)]
struct ErrorResponse<'a> {
    error: &'static str,
    error_description: &'a str,
}

/// The response of a handler.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) cookies: Vec<(CookiePurpose, Option<String>)>,
    /// The permissions of a page.
    pub(crate) policy: PagePolicy,
    /// A response to the client, which dispatch encodes.
    pub(super) application_response: Option<Box<AuthorizationResponse>>,
}

impl Reply {
    /// A response without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::with_capacity(COMMON_HEADERS),
            body: Bytes::new(),
            cookies: Vec::new(),
            policy: PagePolicy::default(),
            application_response: None,
        }
    }

    fn with_body(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self::empty(status).body(content_type, body)
    }

    fn body(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body = body.into();
        self
    }

    /// Sets an HTML page as the body.
    pub(super) fn page(self, page: String) -> Self {
        self.body(HTML, page)
    }

    /// A response with a value as JSON.
    pub fn json(status: StatusCode, value: &impl Serialize) -> Self {
        let body = serde_json::to_vec(value).expect("answers serialise to memory");
        Self::with_body(status, "application/json", body)
    }

    /// An OAuth error as JSON (RFC 6749 §5.2).
    pub(super) fn oauth_error(error: &OAuthError) -> Self {
        let body = ErrorResponse { error: error.code.as_str(), error_description: &error.public };
        Self::json(StatusCode::BAD_REQUEST, &body)
    }

    /// A response with a body that is JSON already.
    pub fn json_bytes(status: StatusCode, body: Bytes) -> Self {
        Self::with_body(status, "application/json", body)
    }

    /// A JWT response (RFC 7519 §10.3.1).
    pub fn jwt(token: String) -> Self {
        Self::with_body(StatusCode::OK, "application/jwt", token)
    }

    /// A response with an HTML page.
    pub fn html(status: StatusCode, page: String) -> Self {
        Self::with_body(status, HTML, page)
    }

    /// 200 with a static file of this `Content-Type`.
    pub fn file(content_type: &'static str, body: String) -> Self {
        Self::with_body(StatusCode::OK, content_type, body)
    }

    /// 303: the browser continues with a GET, whatever the request's method.
    pub fn see_other(url: &str) -> Self {
        Self::empty(StatusCode::SEE_OTHER).header("location", url)
    }

    /// Sets a header. An invalid value (one with a line break, say) is ignored.
    #[must_use]
    pub fn header(mut self, name: impl IntoHeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Returns true if this is a response to the client, which ends the authorization.
    pub fn is_for_application(&self) -> bool {
        self.application_response.is_some()
    }

    /// Replaces the status code of the response.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Sets a cookie with the lifetime of its purpose.
    #[must_use]
    pub fn cookie(mut self, purpose: CookiePurpose, value: &str) -> Self {
        self.cookies.push((purpose, Some(value.to_owned())));
        self
    }

    /// Deletes the cookie of this purpose in the browser.
    #[must_use]
    pub fn without_cookie(mut self, purpose: CookiePurpose) -> Self {
        self.cookies.push((purpose, None));
        self
    }

    /// Lets this page's forms lead to a source in addition to its own origin (CSP `form-action`,
    /// which browsers also apply to redirects).
    #[must_use]
    pub fn form_action(mut self, source: &str) -> Self {
        source.clone_into(&mut self.policy.form_action);
        self
    }

    /// Lets this page display one external image.
    #[must_use]
    pub fn image(mut self, uri: Option<&str>) -> Self {
        self.policy.images.extend(uri.and_then(csp::csp_file));
        self
    }

    /// Lets this page load one external font file.
    #[must_use]
    pub fn font(mut self, uri: Option<&str>) -> Self {
        self.policy.font = uri.and_then(csp::csp_file);
        self
    }

    /// Lets this page display the images of these origins.
    #[must_use]
    pub fn image_origins(mut self, origins: impl Iterator<Item = String>) -> Self {
        self.policy.images.extend(origins);
        self
    }

    /// Lets any page frame this one.
    #[must_use]
    pub fn frameable(mut self) -> Self {
        self.policy.frameable = true;
        self
    }

    /// Lets this page frame these URLs.
    #[must_use]
    pub fn frames(mut self, urls: &[Url]) -> Self {
        self.policy.frames = urls.iter().filter_map(csp::csp_origin).collect();
        self.policy.frames.sort_unstable();
        self.policy.frames.dedup();
        self
    }

    /// Lets this page load its script file.
    #[must_use]
    pub fn with_script(mut self) -> Self {
        self.policy.script = true;
        self
    }
}
