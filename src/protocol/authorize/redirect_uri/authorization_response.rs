//! An authorization response as data, its signed form, and its encoding (RFC 6749 §4.1.2, JARM §2).

use std::time::Duration;

use form_urlencoded::Serializer;
use serde_json::{Map, Value};

use super::return_to::{ResponseSigning, ReturnTo};
use crate::{
    model::Timestamp,
    protocol::{authorize::ResponseMode, error::OAuthError},
};

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
    /// Builds a response: these parameters, then the unchanged `state` and `iss` (RFC 9207 §2).
    pub fn response(&self, given: &[(&str, &str)]) -> AuthorizationResponse {
        let state = self.state.as_deref().map(|state| ("state", state));
        let own = state.into_iter().chain([("iss", self.issuer.as_str())]);
        let all = given.iter().copied().chain(own);
        let parameters = all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        AuthorizationResponse { return_to: self.clone(), parameters }
    }

    /// Builds an error response (RFC 6749 §4.1.2.1).
    pub fn error(&self, error: &OAuthError) -> AuthorizationResponse {
        self.response(&[("error", error.code.as_str()), ("error_description", &error.public)])
    }
}

impl AuthorizationResponse {
    /// The verified redirect URI that the browser takes the response to.
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
        EncodedResponse::Redirect(redirect_url(&self.return_to, &self.parameters))
    }
}

/// The redirect URI of a target with these parameters in its query or fragment.
fn redirect_url(to: &ReturnTo, params: &[(String, String)]) -> String {
    let params = Serializer::new(String::new()).extend_pairs(params).finish();
    let separator = match to.mode {
        ResponseMode::Fragment | ResponseMode::FormPost => "#",
        // Keep the query of the registered URI (RFC 6749 §3.1.2).
        ResponseMode::Query if to.uri.ends_with(['?', '&']) => "",
        ResponseMode::Query if to.uri.contains('?') => "&",
        ResponseMode::Query => "?",
    };
    format!("{}{separator}{params}", to.uri)
}
