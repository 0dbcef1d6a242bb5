//! The authorization request to a provider (OIDC Core §3.1.2.1, RFC 7636 §4.3).

use url::Url;

use super::{UpstreamMetadata, UpstreamState};
use crate::protocol::pkce;

/// The parts of a request to a provider.
#[derive(Clone, Copy, Debug)]
pub struct UpstreamRequest<'a> {
    /// The client id there.
    pub client_id: &'a str,
    /// The redirect URI of the provider's object.
    pub redirect_uri: &'a str,
    /// The scopes.
    pub scopes: &'a [String],
    /// The sealed state.
    pub sealed_state: &'a str,
    /// The same state.
    pub state: &'a UpstreamState,
    /// The name that the person typed, or `login_hint` of the application.
    pub login_hint: Option<&'a str>,
    /// Whether the person chooses the account there, also where they are signed in.
    pub select_account: bool,
    /// The levels of assurance to ask for.
    pub acr_values: &'a [String],
    /// `ui_locales` of the application.
    pub ui_locales: Option<&'a str>,
}

/// Returns the URL to send the browser to; `None` if the endpoint is not a URL.
pub fn authorization_url(
    metadata: &UpstreamMetadata,
    request: UpstreamRequest<'_>,
) -> Option<String> {
    let mut url = Url::parse(&metadata.authorization_endpoint).ok()?;
    let UpstreamState { nonce, code_verifier, demands, .. } = request.state;
    {
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", request.client_id)
            .append_pair("redirect_uri", request.redirect_uri)
            .append_pair("scope", &request.scopes.join(" "))
            .append_pair("state", request.sealed_state)
            .append_pair("nonce", nonce)
            .append_pair("code_challenge", &pkce::code_challenge(code_verifier))
            .append_pair("code_challenge_method", "S256");
        if demands.fresh {
            // Some providers take one value only. A new sign-in can be with another account.
            query.append_pair("prompt", "login");
        } else if request.select_account {
            query.append_pair("prompt", "select_account");
        }
        // With `max_age` the ID token must have `auth_time` (OIDC Core §3.1.2.1), which proves that
        // the person has signed in again.
        let max_age = demands.max_age.or_else(|| demands.fresh.then_some(0));
        if let Some(max_age) = max_age {
            query.append_pair("max_age", &max_age.to_string());
        }
        if let Some(hint) = request.login_hint.filter(|hint| !hint.is_empty()) {
            query.append_pair("login_hint", hint);
        }
        if !request.acr_values.is_empty() {
            query.append_pair("acr_values", &request.acr_values.join(" "));
        }
        if let Some(locales) = request.ui_locales {
            query.append_pair("ui_locales", locales);
        }
    }
    Some(url.into())
}
