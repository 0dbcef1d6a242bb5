//! What a page may do beyond showing text and styles (Content-Security-Policy), and the one rule by
//! which addresses of others get into it.

use url::Url;

/// What a page may do beyond showing text, styles and pictures of ours.
#[derive(Clone, Debug, Default)]
pub(crate) struct PagePolicy {
    /// What its forms may lead to, beside this origin.
    pub(crate) form_action: String,
    /// The pictures of others that it shows.
    pub(crate) images: Vec<String>,
    /// Whether it has a script, a file of ours.
    pub(crate) script: bool,
    /// The origins that it frames.
    pub(crate) frames: Vec<String>,
    /// Whether any page may frame it.
    pub(crate) frameable: bool,
}

impl PagePolicy {
    /// The page's `Content-Security-Policy`.
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

/// The CSP source of an address's origin (CSP3 §2.3.1). `None`: its host would mean something else
/// there (`*`), end the policy (`;`, `,`), or is one that browsers know no source for (IPv6).
pub(crate) fn origin(url: &Url) -> Option<String> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let is_web = matches!(url.scheme(), "https" | "http");
    let host = url.host_str().filter(|host| is_web && host.bytes().all(is_plain));
    host.map(|_| url.origin().ascii_serialization())
}

/// The CSP source of one picture: CSP knows no queries, and takes `;` and `,` for its own.
pub(crate) fn picture(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    let path = url.path().replace(';', "%3B").replace(',', "%2C");
    Some(format!("{}{path}", origin(&url)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses whose host is no host to a policy.
    const OTHERS: [&str; 6] = [
        "data:image/png;base64,AA",
        "javascript:alert(1)",
        "x; script-src *",
        "https://*/logo.png",
        "https://a;script-src/logo.png",
        "https://[::1]/logo.png",
    ];

    #[test]
    fn a_page_shows_the_pictures_it_names_and_no_others() {
        // CSP3 §2.3.1
        let csp = |uri: Option<&str>| {
            let images = uri.and_then(picture).into_iter().collect();
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
    fn frames_are_judged_as_pictures_are() {
        let source = |uri: &str| Url::parse(uri).ok().as_ref().and_then(origin);
        let app = source("https://rp_1.test:8443/out?sid=1;2");
        assert_eq!(app.as_deref(), Some("https://rp_1.test:8443"));
        for other in OTHERS {
            assert_eq!(source(other), None, "{other}");
        }
    }
}
