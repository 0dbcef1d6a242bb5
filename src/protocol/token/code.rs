//! Redeems an authorization code (RFC 6749 §4.1.3): the decision, and the grant it results in. The bindings of the code
//! are checked before, by `code_request`.

use super::{
    CredentialKind, DecisionInput, GrantWrite, RefreshTokenResponse, ReplayedCredential,
    TokenDecision, TokenRefusal, UserGrant, invalid_grant,
    refresh::{referenced_until, scopes_of_grant},
    sender::bind_sender,
};
use crate::{
    model::{Client, GrantType, Timestamp},
    protocol::{
        error::OAuthError,
        records::{AuthorizationCode, Grant, GrantState},
    },
};

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
    let grant = Grant { binding, ..activate_grant(&code.grant, input.client, input.now)? };
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

/// Returns the grant to store, with a first refresh token if the client may have one. A grant that has ended already
/// has no tokens.
pub(super) fn activate_grant(
    grant: &Grant,
    client: &Client,
    now: Timestamp,
) -> Result<Grant, OAuthError> {
    if now >= grant.ends_at {
        return Err(invalid_grant("The grant or its session has ended; ask the user again."));
    }
    let generation = u32::from(client.grant_types.contains(&GrantType::RefreshToken));
    Ok(Grant { state: GrantState::Active { generation, rotated_at: now }, ..grant.clone() })
}
