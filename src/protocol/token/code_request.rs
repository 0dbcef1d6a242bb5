//! A token request with an authorization code, and the bindings of the code (RFC 6749 §4.1.3).

use super::{invalid_grant, secret};
use crate::{
    model::{Client, Secret},
    protocol::{error::OAuthError, params::RequestParams, pkce, records::AuthorizationCode},
};

/// The parameters of a token request that redeems an authorization code.
#[derive(Clone, Debug)]
pub struct CodeRequest {
    /// `code`: the sealed code, or a sealed reference to it.
    pub code: Secret<String>,
    /// `redirect_uri`, which must be that of the authorization request if it had one.
    pub redirect_uri: Option<String>,
    /// `code_verifier`, whose hash must be the code's challenge (RFC 7636 §4.5).
    pub verifier: Option<Secret<String>>,
}

impl CodeRequest {
    /// Parses a request. The caller has rejected duplicate parameters.
    pub fn parse(params: &RequestParams) -> Result<Self, OAuthError> {
        let owned = |name: &str| params.get(name).map(str::to_owned);
        Ok(Self {
            code: secret(params, "code")?,
            redirect_uri: owned("redirect_uri"),
            verifier: owned("code_verifier").map(Secret::new),
        })
    }
}

/// Checks what a code is bound to. A failure neither spends the code nor revokes anything.
pub fn check_code(
    code: &AuthorizationCode,
    client: &Client,
    request: &CodeRequest,
    incarnation: &str,
) -> Result<(), OAuthError> {
    // The code was issued to this client (RFC 6749 §4.1.3).
    if !code.grant.belongs_to_client(client) {
        return Err(invalid_grant("The code was issued to another client."));
    }
    // The redirect URI equals that of the authorization request, if it had one (RFC 6749 §4.1.3).
    if !is_bound_to(code.redirect_uri.as_deref(), client, request.redirect_uri.as_deref()) {
        let text = "redirect_uri differs from that of the authorization request.";
        let written = |uri: &Option<String>| uri.clone().unwrap_or_else(|| "absent".to_owned());
        let (received, bound) = (written(&request.redirect_uri), written(&code.redirect_uri));
        return Err(invalid_grant(text).mismatch(client, &received, &bound));
    }
    let verifier = request.verifier.as_ref().map(|it| it.expose().as_str());
    pkce::verify_pkce(code.code_challenge.as_deref(), verifier).map_err(|error| {
        let verifier = verifier.map_or_else(
            || "no code_verifier".to_owned(),
            |verifier| format!("a code_verifier of {} characters", verifier.chars().count()),
        );
        let challenge = code
            .code_challenge
            .as_ref()
            .map_or("no code_challenge", |_| "a code_challenge with code_challenge_method S256");
        error.mismatch(client, &verifier, challenge)
    })?;
    // After its data was lost, a store does not know which codes were redeemed, so its earlier
    // codes are rejected.
    if code.incarnation != incarnation {
        return Err(invalid_grant("The code is no longer valid.").because("another store"));
    }
    Ok(())
}

/// Returns true if a code's redirect URI is that of the token request.
fn is_bound_to(code: Option<&str>, client: &Client, requested: Option<&str>) -> bool {
    let one = |code: &str, requested: &str| {
        client.all_redirect_uris().any(|uri| uri.matches_both(code, requested))
    };
    code == requested || code.zip(requested).is_some_and(|(code, requested)| one(code, requested))
}
