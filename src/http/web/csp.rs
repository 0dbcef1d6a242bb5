//! The Content-Security-Policy of pages, and the encoding of external URLs in it.

use url::Url;

/// The permissions of a page in addition to Lanyard's own text, styles and images.
#[derive(Clone, Debug, Default)]
pub(crate) struct PagePolicy {
    /// Allowed form targets in addition to the page's origin.
    pub(crate) form_action: String,
    /// External images that the page displays.
    pub(crate) images: Vec<String>,
    /// The external font file of the page.
    pub(crate) font: Option<String>,
    /// Whether the page loads a script file of Lanyard.
    pub(crate) script: bool,
    /// The origins that the page frames.
    pub(crate) frames: Vec<String>,
    /// Whether any page may frame it.
    pub(crate) frameable: bool,
}

impl PagePolicy {
    /// The value of the header `Content-Security-Policy` for the page.
    pub(crate) fn csp(&self) -> String {
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
        if let Some(font) = &self.font {
            policy.push_str("; font-src");
            policy.push_str(&source(font));
        }
        if self.script {
            policy.push_str("; script-src 'self'");
        }
        if !self.frames.is_empty() {
            policy.push_str("; frame-src");
            policy.push_str(&source(&self.frames.join(" ")));
        }
        policy.push_str(if self.frameable { "" } else { "; frame-ancestors 'none'" });
        policy
    }
}

/// The CSP source of a URL's origin (CSP3 §2.3.1). `None` if its host has another meaning in a
/// policy (`*`), would end the policy (`;`, `,`), or cannot be a CSP source (IPv6).
pub(crate) fn csp_origin(url: &Url) -> Option<String> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let is_web = matches!(url.scheme(), "https" | "http");
    let host = url.host_str().filter(|host| is_web && host.bytes().all(is_plain));
    host.map(|_| url.origin().ascii_serialization())
}

/// The CSP source of one image or font. CSP ignores queries, and `;` and `,` have to be escaped.
pub(crate) fn csp_file(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    let path = url.path().replace(';', "%3B").replace(',', "%2C");
    Some(format!("{}{path}", csp_origin(&url)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// URLs whose host cannot be a CSP source.
    const OTHERS: [&str; 6] = [
        "data:image/png;base64,AA",
        "javascript:alert(1)",
        "x; script-src *",
        "https://*/logo.png",
        "https://a;script-src/logo.png",
        "https://[::1]/logo.png",
    ];

    #[test]
    fn a_page_allows_only_its_own_images() {
        // CSP3 §2.3.1
        let csp = |uri: Option<&str>| {
            let images = uri.and_then(csp_file).into_iter().collect();
            PagePolicy { images, ..PagePolicy::default() }.csp()
        };
        assert!(csp(None).contains("img-src 'self';"));
        let logo = csp(Some("https://cdn.test:8443/a;b,c/logo one.png?size=2"));
        assert!(logo.contains("img-src 'self' https://cdn.test:8443/a%3Bb%2Cc/logo%20one.png;"));
        for other in OTHERS {
            assert!(csp(Some(other)).contains("img-src 'self';"), "{other}");
        }
    }

    #[test]
    fn a_page_loads_only_the_font_of_its_tenant() {
        let csp = |uri: Option<&str>| {
            PagePolicy { font: uri.and_then(csp_file), ..PagePolicy::default() }.csp()
        };
        assert!(!csp(None).contains("font-src"), "default-src 'none'");
        let font = csp(Some("https://cdn.test/f;a.woff2?v=1"));
        assert!(font.contains("; font-src https://cdn.test/f%3Ba.woff2"), "{font}");
        for other in OTHERS {
            assert!(!csp(Some(other)).contains("font-src"), "{other}");
        }
    }

    #[test]
    fn frames_follow_the_same_rules_as_images() {
        let source = |uri: &str| Url::parse(uri).ok().as_ref().and_then(csp_origin);
        let app = source("https://rp_1.test:8443/out?sid=1;2");
        assert_eq!(app.as_deref(), Some("https://rp_1.test:8443"));
        for other in OTHERS {
            assert_eq!(source(other), None, "{other}");
        }
    }
}
