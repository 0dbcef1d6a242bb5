//! Refreshing (RFC 6749 §6): rotation with grace, because responses get lost and clients race, and
//! revocation of the whole grant when a token comes back that was spent long ago (RFC 9700 §4.14.2).

use std::time::Duration;

use super::invalid_grant;
use crate::{
    model::{Client, Timestamp},
    protocol::{
        error::OAuthError,
        records::{Grant, GrantState, RefreshToken},
    },
};

/// How long a token is still good once its successor has been used.
pub const GRACE: Duration = Duration::from_secs(10);

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
pub enum Rotation {
    /// The grant moves on to its next generation.
    Next(Box<Grant>),
    /// The current generation is given again.
    Repeat,
    /// A token was used that only a thief or a restored store would use: the grant is revoked.
    Revoke(Box<Grant>),
    /// The grant has ended.
    Ended,
}

/// Decides on a token of a generation, given the grant's record.
///
/// The current generation rotates. The one before is answered with the current one for as long as
/// that has not been used; the one before that for a grace after. Anything older, or newer than
/// the record, revokes.
pub fn rotate(grant: &Grant, token_generation: u32, now: Timestamp) -> Rotation {
    let GrantState::Active { generation, rotated_at } = grant.state else {
        return Rotation::Ended;
    };
    if now >= grant.ends_at {
        return Rotation::Ended;
    }
    let with = |state| Box::new(Grant { state, ..grant.clone() });
    // A generation's first use is the rotation to the next: `rotated_at` is when the generation
    // before the current one was used.
    match generation.checked_sub(token_generation) {
        Some(0) => Rotation::Next(with(GrantState::Active {
            generation: generation.saturating_add(1),
            rotated_at: now,
        })),
        Some(1) => Rotation::Repeat,
        Some(2) if now < rotated_at.plus(GRACE) => Rotation::Repeat,
        _ => Rotation::Revoke(with(GrantState::Revoked { at: now })),
    }
}
