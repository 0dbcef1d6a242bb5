//! Refreshes tokens (RFC 6749 §6). A superseded token is answered for a short time, because
//! responses get lost and clients send concurrent requests. Any other use of a token that is not
//! current revokes the whole grant (RFC 9700 §4.14.2).

use std::time::Duration;

use super::{
    CredentialKind, DecisionInput, GrantWrite, RefreshTokenResponse, ReplayedCredential,
    TokenDecision, TokenRefusal, UserGrant, invalid_grant, secret, sender::bind_sender,
    subject_token::SubjectToken,
};
use crate::{
    model::{Client, Lifetimes, RefreshTokenRotation, Secret, Timestamp},
    protocol::{
        error::OAuthError,
        params::RequestParams,
        records::{Grant, GrantState, RefreshToken},
        scope::Scopes,
    },
};

/// How often the use of a refresh token that does not rotate is stored.
const TOUCH_INTERVAL: Duration = Duration::from_mins(1);

/// A token request with a refresh token.
#[derive(Clone, Debug)]
pub struct RefreshRequest {
    /// `refresh_token`: the sealed refresh token.
    pub token: Secret<String>,
    /// `scope`, which may narrow the scopes of the new tokens (RFC 6749 §6).
    pub scope: Option<String>,
}

impl RefreshRequest {
    /// Parses a request. The caller has rejected duplicate parameters.
    pub fn parse(params: &RequestParams) -> Result<Self, OAuthError> {
        let scope = params.get("scope").map(str::to_owned);
        Ok(Self { token: secret(params, "refresh_token")?, scope })
    }
}

/// Returns true if each use issues a new generation. It always does for public clients, which
/// cannot prove that a token is used by its owner (RFC 9700 §4.14.2).
pub fn rotates_refresh_tokens(client: &Client) -> bool {
    client.is_public() || client.refresh_token_rotation == RefreshTokenRotation::Always
}

/// Checks what a refresh token is bound to. A failure revokes nothing.
pub fn check_refresh(
    token: &RefreshToken,
    client: &Client,
    now: Timestamp,
) -> Result<(), OAuthError> {
    if token.client != client.id {
        return Err(invalid_grant("The refresh token was issued to another client."));
    }
    if now >= token.expires_at {
        return Err(invalid_grant("The refresh token has expired."));
    }
    Ok(())
}

/// Decides about a refresh token whose bindings were checked, by the record of its grant.
pub fn decide_refresh(
    token: &RefreshToken,
    input: DecisionInput<'_>,
) -> Result<TokenDecision, TokenRefusal> {
    let DecisionInput { client, now, .. } = input;
    let gone = || invalid_grant("The refresh token has expired or was revoked.");
    // Another object may have got the id of the client that the token was issued to.
    let stored = input.stored.filter(|stored| stored.belongs_to_client(client)).ok_or_else(gone)?;
    let binding = bind_sender(stored.binding.as_ref(), client, input.keys)?;
    // By the store's clock, which all replicas share: another replica recorded the times.
    let (grant, refresh_token) = match rotate_grant(
        stored,
        token.generation,
        client,
        input.store_now,
    ) {
        RefreshDecision::Ended => return Err(gone().into()),
        RefreshDecision::Revoke => {
            return Err(TokenRefusal {
                error: invalid_grant(
                    "The refresh token was replaced before and used again; its grant is revoked.",
                ),
                replayed: Some(ReplayedCredential {
                    grant_id: token.grant_id.clone(),
                    kind: CredentialKind::RefreshToken,
                }),
            });
        }
        RefreshDecision::Repeat => (stored.clone(), RefreshTokenResponse::Current),
        RefreshDecision::Next(next) => (*next, RefreshTokenResponse::Current),
        RefreshDecision::Same(next) => (*next, RefreshTokenResponse::Kept),
    };
    let grant = Grant { binding, ..grant };
    Ok(TokenDecision {
        scopes: scopes_of_grant(&grant, client)?,
        user: Some(UserGrant {
            id: token.grant_id.clone(),
            gate: GrantWrite::Swap,
            referenced_until: referenced_until(&grant, &client.lifetimes, now),
            grant,
            with_nonce: false,
            needs_session: false,
            refresh_token,
            subject_token: None,
        }),
    })
}

/// The outcome of using a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshDecision {
    /// Rotate: store the grant with its next generation.
    Next(Box<Grant>),
    /// Don't rotate: the token stays, and the grant in this form restarts its idle time.
    Same(Box<Grant>),
    /// Issue the current generation again.
    Repeat,
    /// Revoke the grant: only an attacker or a restored store would use this token.
    Revoke,
    /// The grant has ended.
    Ended,
}

/// Decides the outcome for a token of a generation, given the grant's record.
///
/// The current generation rotates. The two generations before it get the current token again for
/// `refreshTokenReuseWindow` after each was superseded. Any other token revokes the grant: it was
/// copied, or belongs to a restored store. If tokens do not rotate, the current token stays and its
/// idle time restarts.
pub fn rotate_grant(
    grant: &Grant,
    token_generation: u32,
    client: &Client,
    now: Timestamp,
) -> RefreshDecision {
    let lifetimes = &client.lifetimes;
    let GrantState::Active { generation, rotated_at } = grant.state else {
        return RefreshDecision::Ended;
    };
    if refresh_until(grant, lifetimes).is_none_or(|until| now >= until) {
        return RefreshDecision::Ended;
    }
    let in_window = |age| {
        let superseded_at = grant.superseded.of(age);
        superseded_at.is_some_and(|at| now.since(at) < lifetimes.refresh_token_reuse_window)
    };
    match generation.checked_sub(token_generation) {
        Some(0) if !rotates_refresh_tokens(client) => {
            let used_at = if now.since(rotated_at) < TOUCH_INTERVAL { rotated_at } else { now };
            let state = GrantState::Active { generation, rotated_at: used_at };
            RefreshDecision::Same(Box::new(Grant { state, ..grant.clone() }))
        }
        Some(0) => {
            let generation = generation.saturating_add(1);
            let state = GrantState::Active { generation, rotated_at: now };
            let superseded = grant.superseded.followed_by(now);
            RefreshDecision::Next(Box::new(Grant { state, superseded, ..grant.clone() }))
        }
        Some(age) if in_window(age) => RefreshDecision::Repeat,
        _ => RefreshDecision::Revoke,
    }
}

/// Returns when the current refresh token expires if it is not used. `None` if the grant has no
/// refresh token. Lifetimes that became shorter apply to existing grants.
pub fn refresh_until(grant: &Grant, lifetimes: &Lifetimes) -> Option<Timestamp> {
    match grant.state {
        GrantState::Active { generation: 0, .. }
        | GrantState::Revoked { .. }
        | GrantState::PendingRedemption => None,
        GrantState::Active { rotated_at, .. } => {
            let idle = rotated_at.plus(lifetimes.refresh_token_idle);
            Some(idle.min(token_until(grant, lifetimes)))
        }
    }
}

/// Returns when a refresh token expires regardless of use. The grant's record may end it sooner if
/// it is not used, because a token that does not rotate never changes.
pub fn token_until(grant: &Grant, lifetimes: &Lifetimes) -> Timestamp {
    grant.created_at.plus(lifetimes.refresh_token_absolute).min(grant.ends_at)
}

/// Returns the latest time at which an access token of a grant expires, whatever its lifetime is: the end of the grant,
/// or that of the token that is exchanged for it.
pub fn access_token_end(grant: &Grant, subject_token: Option<&SubjectToken>) -> Timestamp {
    subject_token.map_or(grant.ends_at, |subject| subject.expires_at.min(grant.ends_at))
}

/// Returns when the last token of a grant expires, including an access token issued now. The record
/// must be kept until then.
pub(super) fn referenced_until(grant: &Grant, lifetimes: &Lifetimes, now: Timestamp) -> Timestamp {
    let access = now.plus(lifetimes.access_token).min(access_token_end(grant, None));
    refresh_until(grant, lifetimes).map_or(access, |refresh| access.max(refresh))
}

/// Returns the scopes that tokens of a grant may have: the granted ones (RFC 6749 §6) that are still allowed
/// for the client. A grant of resource servers may have none.
pub(super) fn scopes_of_grant(grant: &Grant, client: &Client) -> Result<Scopes, OAuthError> {
    let left: Scopes = grant.scopes.intersection(&client.scopes).cloned().collect();
    if left.is_empty() && grant.resources.is_empty() {
        return Err(invalid_grant(
            "None of the granted scopes is allowed for the client any more.",
        ));
    }
    Ok(left)
}
