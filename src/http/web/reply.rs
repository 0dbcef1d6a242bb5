//! A handler's answer, before the router adds what every answer has.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use url::Url;

use super::{
    CookiePurpose,
    csp::{self, PagePolicy},
};

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) cookies: Vec<(CookiePurpose, Option<String>)>,
    /// What a page may do.
    pub(crate) policy: PagePolicy,
}

impl Reply {
    /// An answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            cookies: Vec::new(),
            policy: PagePolicy::default(),
        }
    }

    fn with_body(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut reply = Self::empty(status);
        reply.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        reply.body = body.into();
        reply
    }

    /// JSON.
    pub fn json(status: StatusCode, value: &impl Serialize) -> Self {
        let body = serde_json::to_vec(value).expect("answers serialise to memory");
        Self::with_body(status, "application/json", body)
    }

    /// JSON that was written before.
    pub fn json_bytes(status: StatusCode, body: Bytes) -> Self {
        Self::with_body(status, "application/json", body)
    }

    /// A JWT (RFC 7519 §10.3.1).
    pub fn jwt(token: String) -> Self {
        Self::with_body(StatusCode::OK, "application/jwt", token)
    }

    /// A page.
    pub fn html(status: StatusCode, page: String) -> Self {
        Self::with_body(status, "text/html; charset=utf-8", page)
    }

    /// A file.
    pub fn file(content_type: &'static str, body: String) -> Self {
        Self::with_body(StatusCode::OK, content_type, body)
    }

    /// 303: the browser goes on with a GET, whatever it came with.
    pub fn see_other(url: &str) -> Self {
        Self::empty(StatusCode::SEE_OTHER).header("location", url)
    }

    /// Sets a header; a value that is none (a line break in it, say) is left out.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        {
            self.headers.insert(name, value);
        }
        self
    }

    /// Sets the status.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Sets a cookie for as long as its purpose has it kept.
    #[must_use]
    pub fn cookie(mut self, purpose: CookiePurpose, value: &str) -> Self {
        self.cookies.push((purpose, Some(value.to_owned())));
        self
    }

    /// Takes a cookie away.
    #[must_use]
    pub fn without_cookie(mut self, purpose: CookiePurpose) -> Self {
        self.cookies.push((purpose, None));
        self
    }

    /// Lets this page's forms lead to a source beside its own origin (CSP `form-action`, which
    /// browsers apply to redirects too).
    #[must_use]
    pub fn form_action(mut self, source: &str) -> Self {
        source.clone_into(&mut self.policy.form_action);
        self
    }

    /// Lets this page show a picture of somebody else's, that one alone.
    #[must_use]
    pub fn image(mut self, uri: Option<&str>) -> Self {
        self.policy.images.extend(uri.and_then(csp::picture));
        self
    }

    /// Lets any page frame this one.
    #[must_use]
    pub fn frameable(mut self) -> Self {
        self.policy.frameable = true;
        self
    }

    /// Lets this page frame what is at these addresses.
    #[must_use]
    pub fn frames(mut self, urls: &[Url]) -> Self {
        self.policy.frames = urls.iter().filter_map(csp::origin).collect();
        self.policy.frames.sort_unstable();
        self.policy.frames.dedup();
        self
    }

    /// Lets this page run its script, a file of ours.
    #[must_use]
    pub fn with_script(mut self) -> Self {
        self.policy.script = true;
        self
    }
}
