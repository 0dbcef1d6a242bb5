//! The target of an authorization response, and its encoding (RFC 6749 §4.1.2, RFC 9207).

use std::time::Duration;

use form_urlencoded::Serializer;
use serde_json::{Map, Value};

use crate::{
    model::{Client, Endpoint, Issuer, SigningAlgorithm, Timestamp},
    protocol::{authorize::ResponseMode, error::OAuthError},
};

/// A redirect URI verified to belong to the client, with the values that every response contains.
/// Only the redirect check can create one, so redirecting to an unverified URI does not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo {
    uri: String,
    /// Whether it is a page of this issuer.
    is_own_page: bool,
    mode: ResponseMode,
    /// How the response is signed, if it is a JWT (JARM §2.3).
    signing: Option<ResponseSigning>,
    state: Option<String>,
    issuer: String,
    form_action: String,
}

/// How an authorization response that is a JWT is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseSigning {
    /// The audience.
    client_id: String,
    /// The client's `authorization_signed_response_alg`; `None` for the tenant's default.
    pub algorithm: Option<SigningAlgorithm>,
}

/// How long a response that is a JWT is valid. JARM §2.1 recommends at most ten minutes.
const RESPONSE_LIFETIME: Duration = Duration::from_mins(5);

/// An authorization response: a verified target, and what the client gets there. Handlers return it,
/// and one place encodes it (`http::web::authorization_response`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationResponse {
    return_to: ReturnTo,
    parameters: Vec<(String, String)>,
}

/// An authorization response in the form in which the browser takes it to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncodedResponse {
    /// A redirect to this URL.
    Redirect(String),
    /// A form that the browser posts to the redirect URI (Form Post Response Mode §2).
    Post(Vec<(String, String)>),
}

impl ReturnTo {
    /// Creates a target. Visible only to the redirect check.
    pub(super) fn proven(
        uri: &str,
        (mode, is_jwt): (ResponseMode, bool),
        state: Option<&str>,
        issuer: &Issuer,
        client: &Client,
    ) -> Self {
        Self {
            uri: uri.to_owned(),
            is_own_page: false,
            mode,
            signing: is_jwt.then(|| ResponseSigning {
                client_id: client.id.to_string(),
                algorithm: client.authorization_signed_response_alg,
            }),
            state: state.map(str::to_owned),
            issuer: issuer.as_str().to_owned(),
            form_action: form_action(uri, client),
        }
    }

    /// The page of this issuer where the person answers a request of another device. No application gets a response
    /// there.
    pub(in crate::protocol::authorize) fn own_page(issuer: &Issuer, page: Endpoint) -> Self {
        Self {
            uri: page.url(issuer),
            is_own_page: true,
            mode: ResponseMode::Query,
            signing: None,
            state: None,
            issuer: issuer.as_str().to_owned(),
            form_action: String::new(),
        }
    }

    /// Builds a response: these parameters, then the unchanged `state` and `iss` (RFC 9207 §2).
    pub fn response(&self, given: &[(&str, &str)]) -> AuthorizationResponse {
        let state = self.state.as_deref().map(|state| ("state", state));
        let own = state.into_iter().chain([("iss", self.issuer.as_str())]);
        let all = given.iter().copied().chain(own);
        let parameters = all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        AuthorizationResponse { return_to: self.clone(), parameters }
    }

    fn url(&self, params: &[(String, String)]) -> String {
        let params = Serializer::new(String::new()).extend_pairs(params).finish();
        let separator = match self.mode {
            ResponseMode::Fragment | ResponseMode::FormPost => "#",
            // Keep the query of the registered URI (RFC 6749 §3.1.2).
            ResponseMode::Query if self.uri.ends_with(['?', '&']) => "",
            ResponseMode::Query if self.uri.contains('?') => "&",
            ResponseMode::Query => "?",
        };
        format!("{}{separator}{params}", self.uri)
    }

    /// Builds an error response (RFC 6749 §4.1.2.1).
    pub fn error(&self, error: &OAuthError) -> AuthorizationResponse {
        self.response(&[("error", error.code.as_str()), ("error_description", &error.public)])
    }

    /// The URI, as pages display it to the person; `None` for a page of this issuer, which leads nowhere else.
    pub fn displayed_uri(&self) -> Option<&str> {
        (!self.is_own_page).then_some(&self.uri)
    }

    /// The redirect URI without response parameters.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The sources of CSP's `form-action` for a form whose response redirects to this target.
    pub fn form_action(&self) -> &str {
        &self.form_action
    }
}

impl AuthorizationResponse {
    /// The target.
    pub fn return_to(&self) -> &ReturnTo {
        &self.return_to
    }

    /// Whether the response is a page with a form, not a redirect.
    pub fn is_form(&self) -> bool {
        self.return_to.mode == ResponseMode::FormPost
    }

    /// How the response has to be signed before it is encoded.
    pub fn signing(&self) -> Option<&ResponseSigning> {
        self.return_to.signing.as_ref()
    }

    /// The claims of a response that is a JWT: its parameters, audience and expiry time (JARM §2.1). It has no
    /// `sub`, so it is never taken for an ID token.
    pub fn claims(&self, signing: &ResponseSigning, now: Timestamp) -> Map<String, Value> {
        let parameters = self.parameters.iter();
        let parameters = parameters.map(|(name, value)| (name.clone(), value.as_str().into()));
        let own = [
            ("aud".to_owned(), signing.client_id.as_str().into()),
            ("iat".to_owned(), now.secs().into()),
            ("exp".to_owned(), now.plus(RESPONSE_LIFETIME).secs().into()),
        ];
        parameters.chain(own).collect()
    }

    /// The response with this JWT in place of its parameters (JARM §2.3).
    #[must_use]
    pub fn signed(mut self, jwt: String) -> Self {
        self.return_to.signing = None;
        self.parameters = vec![("response".to_owned(), jwt)];
        self
    }

    /// Encodes the response by its mode. A response that has to be signed and is not loses its parameters.
    pub fn encode(mut self) -> EncodedResponse {
        if self.return_to.signing.is_some() {
            self.parameters.clear();
        }
        if self.is_form() {
            return EncodedResponse::Post(self.parameters);
        }
        EncodedResponse::Redirect(self.return_to.url(&self.parameters))
    }
}

/// The CSP sources of a redirect target: its scheme, and the custom schemes that the application
/// has registered. Browsers check every redirect after a form submission against `form-action`, and
/// the application decides where its callback redirects to
/// (`docs/adr/0014-form-action-names-schemes.md`).
pub fn form_action(uri: &str, client: &Client) -> String {
    // This runs for every authorization request. Registered URIs are already parsed, so split the
    // string.
    let scheme = |uri: &str| uri.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    let Some(own) = scheme(uri) else { return "'none'".to_owned() };
    let registered = client.redirect_uris.iter().filter_map(|uri| scheme(uri.as_str()));
    let mut further: Vec<_> =
        registered.filter(|it| !["https", "http", own.as_str()].contains(&it.as_str())).collect();
    further.sort_unstable();
    further.dedup();
    let sources = std::iter::once(own).chain(further).map(|scheme| format!("{scheme}:"));
    sources.collect::<Vec<_>>().join(" ")
}
