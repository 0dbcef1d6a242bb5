//! Redeems an authorization code (RFC 6749 §4.1.3): the checks, and the grant it results in.

use super::{
    CredentialKind, DecisionInput, GrantWrite, RefreshTokenResponse, ReplayedCredential,
    TokenDecision, TokenRefusal, UserGrant, invalid_grant,
    refresh::{referenced_until, scopes_of_grant},
    secret,
    sender::bind_sender,
};
use crate::{
    model::{Client, GrantType, Secret, Timestamp},
    protocol::{
        error::OAuthError,
        params::RequestParams,
        pkce,
        records::{AuthorizationCode, Grant, GrantState},
    },
};

/// A token request with a code.
#[derive(Clone, Debug)]
pub struct CodeRequest {
    /// The sealed code.
    pub code: Secret<String>,
    /// `redirect_uri`.
    pub redirect_uri: Option<String>,
    /// `code_verifier`.
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
    // The code was issued to this client (§4.1.3).
    if !code.grant.is_of(client) {
        return Err(invalid_grant("The code was issued to another client."));
    }
    // The redirect URI equals that of the authorization request, if it had one (§4.1.3).
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

/// Returns true if the decision about a code depends on the stored grant. Otherwise the gate finds
/// out whether the code was redeemed.
pub fn needs_stored_grant(code: &AuthorizationCode, now: Timestamp) -> bool {
    code.grant_stored || check_age(code, now).is_err()
}

/// Decides about a code whose bindings were checked. It is redeemed once: a second redemption means
/// that the code was stolen, so the grant is revoked (RFC 6749 §4.1.2), also after the code has
/// expired.
pub fn decide_code(
    code: &AuthorizationCode,
    input: DecisionInput<'_>,
) -> Result<TokenDecision, TokenRefusal> {
    let replayed = || TokenRefusal {
        error: invalid_grant("The code was already used; the tokens issued for it are revoked."),
        replayed: Some(ReplayedCredential {
            grant_id: code.grant_id.clone(),
            kind: CredentialKind::Code,
        }),
    };
    let binding = bind_sender(code.grant.binding.as_ref(), input.client, input.keys)?;
    if input.stored.is_some_and(|stored| stored.state != GrantState::PendingRedemption) {
        return Err(replayed());
    }
    check_age(code, input.now)?;
    let gate = match input.stored {
        // Only redemption and revocation change a grant that waits for its code.
        Some(_) => GrantWrite::Swap,
        // The record was lost with its store.
        None if code.grant_stored => return Err(replayed()),
        None => GrantWrite::Insert,
    };
    let grant = Grant { binding, ..activate_grant(&code.grant, input.client, input.now) };
    let referenced = referenced_until(&grant, &input.client.lifetimes, input.now);
    Ok(TokenDecision {
        scopes: scopes_of_grant(&grant, input.client)?,
        user: Some(UserGrant {
            id: code.grant_id.clone(),
            grant,
            gate,
            referenced_until: referenced.max(code.expires_at),
            with_nonce: true,
            needs_session: gate == GrantWrite::Insert,
            refresh_token: RefreshTokenResponse::Current,
            subject_token: None,
        }),
    })
}

/// Checks that a code has not expired. Unlike other expiry times, it has no allowance for clock
/// skew (RFC 6749 §4.1.2).
pub(super) fn check_age(code: &AuthorizationCode, now: Timestamp) -> Result<(), OAuthError> {
    if now >= code.expires_at { Err(invalid_grant("The code has expired.")) } else { Ok(()) }
}

/// Returns the grant to store, with a first refresh token if the client may have one.
pub(super) fn activate_grant(grant: &Grant, client: &Client, now: Timestamp) -> Grant {
    let generation = u32::from(client.grant_types.contains(&GrantType::RefreshToken));
    Grant { state: GrantState::Active { generation, rotated_at: now }, ..grant.clone() }
}
