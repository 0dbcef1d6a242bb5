//! Where an authorization response goes, and how it is written (RFC 6749 §4.1.2, RFC 9207).

use form_urlencoded::Serializer;
use url::{Host, Url};

use crate::{
    model::Issuer,
    protocol::{authorize::ResponseMode, error::OAuthError},
};

/// A redirect URI proven to be the client's, with what every response to it carries. Only the
/// redirect check can make one: redirecting to an unproven URI does not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo {
    uri: String,
    mode: ResponseMode,
    state: Option<String>,
    issuer: String,
}

impl ReturnTo {
    /// Visible to the redirect check alone.
    pub(super) fn proven(
        uri: &str,
        mode: ResponseMode,
        state: Option<&str>,
        issuer: &Issuer,
    ) -> Self {
        Self {
            uri: uri.to_owned(),
            mode,
            state: state.map(str::to_owned),
            issuer: issuer.as_str().to_owned(),
        }
    }

    /// The URL of a response: these parameters, then `state` as it came and `iss` (RFC 9207 §2).
    pub fn url(&self, response: &[(&str, &str)]) -> String {
        let mut params = Serializer::new(String::new());
        params.extend_pairs(response);
        if let Some(state) = &self.state {
            params.append_pair("state", state);
        }
        params.append_pair("iss", &self.issuer);
        let separator = match self.mode {
            ResponseMode::Fragment => "#",
            // A registered query stays (RFC 6749 §3.1.2).
            ResponseMode::Query if self.uri.ends_with(['?', '&']) => "",
            ResponseMode::Query if self.uri.contains('?') => "&",
            ResponseMode::Query => "?",
        };
        format!("{}{separator}{}", self.uri, params.finish())
    }

    /// The URL of an error response (RFC 6749 §4.1.2.1).
    pub fn error_url(&self, error: &OAuthError) -> String {
        self.url(&[("error", error.code.as_str()), ("error_description", &error.public)])
    }

    /// What CSP's `form-action` must name for a form whose answer redirects here.
    pub fn form_action(&self) -> String {
        form_action(&self.uri)
    }
}

/// The CSP source of a redirect target. CSP has none for IPv6 literals, nor for the hosts of custom
/// schemes (CSP3 §2.3.1): there it is the scheme.
pub fn form_action(uri: &str) -> String {
    let Ok(url) = Url::parse(uri) else { return "'none'".to_owned() };
    let scheme = url.scheme();
    match url.host() {
        Some(Host::Domain(_) | Host::Ipv4(_)) if matches!(scheme, "https" | "http") => {
            url.origin().ascii_serialization()
        }
        _ => format!("{scheme}:"),
    }
}
