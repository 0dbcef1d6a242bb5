//! The target of authorization responses (RFC 6749 §4.1.2, RFC 9207).

use crate::{
    model::{Client, Endpoint, Issuer, SigningAlgorithm},
    protocol::authorize::ResponseMode,
};

/// A redirect URI verified to belong to the client, with the values that every response contains.
/// Only the redirect check can create one, so redirecting to an unverified URI does not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo {
    pub(super) uri: String,
    /// Whether it is a page of this issuer.
    is_own_page: bool,
    pub(super) mode: ResponseMode,
    /// How the response is signed, if it is a JWT (JARM §2.3).
    pub(super) signing: Option<ResponseSigning>,
    pub(super) state: Option<String>,
    pub(super) issuer: String,
    form_action: String,
}

/// The signature of an authorization response that is a JWT: audience and algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseSigning {
    /// The client's ID, which is the claim `aud` of the response.
    pub(super) client_id: String,
    /// The client's `authorization_signed_response_alg`; `None` for the tenant's default.
    pub algorithm: Option<SigningAlgorithm>,
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
