//! Refreshing (RFC 6749 §6): rotation with grace, because responses get lost and clients race, and
//! revocation of the whole grant when a token comes back that was spent long ago (RFC 9700 §4.14.2).

use std::time::Duration;

use super::invalid_grant;
use crate::{
    model::{Client, Lifetimes, RefreshTokenRotation, Timestamp},
    protocol::{
        error::OAuthError,
        records::{Grant, GrantState, RefreshToken},
        scope::{self, Scopes},
    },
};

/// How long a token is still good once its successor has been used.
pub const REUSE_GRACE: Duration = Duration::from_secs(10);

/// How often the use of a refresh token that does not rotate is written down.
const TOUCH_INTERVAL: Duration = Duration::from_mins(1);

/// Whether each use makes a new generation: always for public clients, who cannot prove that it is
/// they who use a token (RFC 9700 §4.14.2).
pub fn rotates(client: &Client) -> bool {
    client.is_public() || client.refresh_token_rotation == RefreshTokenRotation::Always
}

/// Every binding of a refresh token. What fails here revokes nothing.
pub fn check_refresh(
    token: &RefreshToken,
    client: &Client,
    now: Timestamp,
) -> Result<(), OAuthError> {
    if token.client != client.id {
        return Err(invalid_grant("The refresh token was given to another client."));
    }
    if now >= token.expires_at {
        return Err(invalid_grant("The refresh token has expired."));
    }
    Ok(())
}

/// What a refresh token leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshDecision {
    /// The grant moves on to its next generation.
    Next(Box<Grant>),
    /// The token stays, and its time begins anew with the grant in this form.
    Same(Box<Grant>),
    /// The current generation is given again.
    Repeat,
    /// A token was used that only a thief or a restored store would use: the grant is revoked.
    Revoke,
    /// The grant has ended.
    Ended,
}

/// Decides on a token of a generation, given the grant's record.
///
/// The current generation rotates. The one before is answered with the current one for as long as
/// that has not been used; the one before that for a grace after. Anything older, or newer than
/// the record, revokes. Where tokens do not rotate, the current one stays and its time begins anew.
pub fn rotate(
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
    // A generation's first use is the rotation to the next: `rotated_at` is when the generation
    // before the current one was used.
    match generation.checked_sub(token_generation) {
        Some(0) if !rotates(client) => {
            let used_at = if now.since(rotated_at) < TOUCH_INTERVAL { rotated_at } else { now };
            let state = GrantState::Active { generation, rotated_at: used_at };
            RefreshDecision::Same(Box::new(Grant { state, ..grant.clone() }))
        }
        Some(0) => {
            let generation = generation.saturating_add(1);
            let state = GrantState::Active { generation, rotated_at: now };
            RefreshDecision::Next(Box::new(Grant { state, ..grant.clone() }))
        }
        Some(1) => RefreshDecision::Repeat,
        Some(2) if now < rotated_at.plus(REUSE_GRACE) => RefreshDecision::Repeat,
        _ => RefreshDecision::Revoke,
    }
}

/// When the current refresh token expires unless it is used; `None`: the grant has none. Lifetimes
/// that became shorter since the grant was made count at once.
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

/// When a refresh token ends however often it is used. What is idle for too long ends sooner, by
/// the grant's record: a token that does not rotate is the same string all along.
pub fn token_until(grant: &Grant, lifetimes: &Lifetimes) -> Timestamp {
    grant.created_at.plus(lifetimes.refresh_token_absolute).min(grant.ends_at)
}

/// When the last thing expires that names a grant in its present state, an access token made now
/// included: its record must stay for as long.
pub fn referenced_until(grant: &Grant, lifetimes: &Lifetimes, now: Timestamp) -> Timestamp {
    let access = now.plus(lifetimes.access_token);
    refresh_until(grant, lifetimes).map_or(access, |refresh| access.max(refresh))
}

/// What a refresh gives: what was granted or less of it (§6), and nothing that the client may not
/// have any more.
pub fn scopes_to_refresh(
    grant: &Grant,
    client: &Client,
    asked: Option<&str>,
) -> Result<Scopes, OAuthError> {
    let left: Scopes = grant.scopes.intersection(&client.scopes).cloned().collect();
    if left.is_empty() {
        return Err(invalid_grant("The client may have none of the granted scopes any more."));
    }
    scope::narrow(asked, &left)
}
