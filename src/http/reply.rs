//! A handler's answer, before the router adds what every answer has.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use url::Url;

use super::CookiePurpose;

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) cookies: Vec<(CookiePurpose, Option<String>)>,
    /// What a page may do.
    pub(super) policy: PagePolicy,
}

/// What a page may do beyond showing text, styles and pictures (CSP).
#[derive(Clone, Debug, Default)]
pub(super) struct PagePolicy {
    /// What its forms may lead to, beside this origin.
    pub(super) form_action: String,
    /// The pictures of others that it shows.
    pub(super) images: Vec<String>,
    /// Whether it has a script, a file of ours.
    pub(super) script: bool,
    /// The origins that it frames.
    pub(super) frame_src: String,
    /// Whether any page may frame it.
    pub(super) frameable: bool,
}

impl PagePolicy {
    /// The page's `Content-Security-Policy`.
    pub(super) fn csp(&self) -> String {
        let source = |source: &str| match source {
            "" => String::new(),
            source => format!(" {source}"),
        };
        let mut policy = format!(
            "default-src 'none'; style-src 'self'; img-src 'self'{}; form-action 'self'{}; \
             base-uri 'none'",
            source(&self.images.join(" ")),
            source(&self.form_action)
        );
        if self.script {
            policy.push_str("; script-src 'self'");
        }
        if !self.frame_src.is_empty() {
            policy.push_str("; frame-src");
            policy.push_str(&source(&self.frame_src));
        }
        policy.push_str(if self.frameable { "" } else { "; frame-ancestors 'none'" });
        policy
    }
}

/// The CSP source of one picture. CSP knows no queries, and takes `;` and `,` for its own (CSP3
/// §2.3.1). A host that would mean something else to it (`*`, an IPv6 literal) has no pictures.
fn image_source(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok().filter(|url| matches!(url.scheme(), "https" | "http"))?;
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    url.host_str().filter(|host| host.bytes().all(is_plain))?;
    let path = url.path().replace(';', "%3B").replace(',', "%2C");
    Some(format!("{}{path}", url.origin().ascii_serialization()))
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

    /// Sets a cookie for as long as the browser runs.
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
        self.policy.images.extend(uri.and_then(image_source));
        self
    }

    /// Lets any page frame this one.
    #[must_use]
    pub fn frameable(mut self) -> Self {
        self.policy.frameable = true;
        self
    }

    /// Lets this page frame these origins.
    #[must_use]
    pub fn frames(mut self, origins: String) -> Self {
        self.policy.frame_src = origins;
        self
    }

    /// Lets this page run its script, a file of ours.
    #[must_use]
    pub fn with_script(mut self) -> Self {
        self.policy.script = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_shows_the_pictures_it_names_and_no_others() {
        // CSP3 §2.3.1
        let csp = |uri| Reply::html(StatusCode::OK, String::new()).image(uri).policy.csp();
        assert!(csp(None).contains("img-src 'self';"));
        let logo = csp(Some("https://cdn.test:8443/a;b,c/logo one.png?size=2"));
        assert!(logo.contains("img-src 'self' https://cdn.test:8443/a%3Bb%2Cc/logo%20one.png;"));
        for other in [
            "data:image/png;base64,AA",
            "javascript:alert(1)",
            "x; script-src *",
            "https://*/logo.png",
            "https://a;script-src/logo.png",
            "https://[::1]/logo.png",
        ] {
            assert!(csp(Some(other)).contains("img-src 'self';"), "{other}");
        }
    }
}
