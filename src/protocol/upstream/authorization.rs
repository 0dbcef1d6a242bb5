//! The authorization request to a provider (OIDC Core §3.1.2.1, RFC 7636 §4.3).

use url::Url;

use super::{UpstreamMetadata, UpstreamState};
use crate::protocol::pkce;

/// Longest URL that a browser is sent to at a provider, in bytes. Most servers take no more than 8 KiB for the
/// line of a request. The sealed state, which is a part of the URL, contains the request of the application.
pub const MAX_PROVIDER_URL_LEN: usize = 8000;
/// The parameter that asks for pages of the provider (OIDC Core §3.1.2.1).
const PROMPT: &str = "prompt";

/// The parts of a request to a provider.
#[derive(Clone, Copy, Debug)]
pub struct UpstreamRequest<'a> {
    /// `client_id` of this tenant at the provider.
    pub client_id: &'a str,
    /// `redirect_uri`: the callback URL of the provider's object at this tenant.
    pub redirect_uri: &'a str,
    /// The values of `scope`: those of the manifest, or [`UpstreamMetadata::default_scopes`].
    pub scopes: &'a [String],
    /// Further parameters of the request that the manifest sets, by name (`oidc.authorizationParameters`).
    pub further: &'a [(String, String)],
    /// The parameter `state`: the sealed form of the field `state`.
    pub sealed_state: &'a str,
    /// The state before it is sealed. It has `nonce`, `code_verifier` and the demands on the sign-in.
    pub state: &'a UpstreamState,
    /// `login_hint`: the name that the person typed, or that of the application's request. An empty one is not sent.
    pub login_hint: Option<&'a str>,
    /// The `prompt` by which a signed-in person can choose another account there; `None` if that is not wanted.
    pub account_prompt: Option<&'a str>,
    /// `acr_values`: the levels of assurance to ask for. If there are none, the parameter is not sent.
    pub acr_values: &'a [String],
    /// `ui_locales` of the application's request, sent unchanged.
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
        let prompt = prompt(&request);
        if !prompt.is_empty() {
            query.append_pair(PROMPT, &prompt);
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
        query.extend_pairs(request.further.iter().filter(|(name, _)| name != PROMPT));
    }
    Some(url.into())
}

/// `prompt`: what the application asks for, and what the manifest adds. Some providers take one value only,
/// so an application adds one only.
fn prompt(request: &UpstreamRequest<'_>) -> String {
    let asked = if request.state.demands.fresh {
        // A new sign-in can be with another account.
        Some("login")
    } else {
        request.account_prompt
    };
    let written = request.further.iter().filter(|(name, _)| name == PROMPT);
    let written = written.flat_map(|(_, value)| value.split_ascii_whitespace());
    let values: Vec<&str> =
        asked.into_iter().chain(written.filter(|value| Some(*value) != asked)).collect();
    values.join(" ")
}
