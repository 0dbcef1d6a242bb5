//! Redeems a device code (RFC 8628 §3.4, §3.5): the checks, and the grant it results in.

use super::{
    CredentialKind, DecisionInput, Gate, RefreshTokenAnswer, ReplayedCredential, TokenDecision,
    TokenRefusal, UserGrant,
    code::activate_grant,
    invalid_grant,
    refresh::{referenced_until, scopes_of_grant},
    sender::bind_sender,
};
use crate::{
    model::{Client, Timestamp},
    protocol::{
        error::{ErrorCode, OAuthError},
        records::{DeviceAnswer, DeviceAuthorization, DeviceCode, Grant, GrantState},
    },
};

/// A device code with the request that it belongs to.
#[derive(Clone, Debug)]
pub struct PolledDevice {
    /// The device code.
    pub code: DeviceCode,
    /// The request. `None` if its record is gone.
    pub authorization: Option<DeviceAuthorization>,
}

/// Checks what a device code is bound to. It has no allowance for clock skew, as a code has none. A failure
/// spends and revokes nothing.
pub fn check_device_code(
    code: &DeviceCode,
    client: &Client,
    now: Timestamp,
) -> Result<(), OAuthError> {
    if code.client != client.id {
        return Err(invalid_grant("The device code was issued to another client."));
    }
    if now >= code.expires_at { Err(expired_token()) } else { Ok(()) }
}

/// Returns the error for a device that polls too often (RFC 8628 §3.5).
pub fn slow_down() -> OAuthError {
    let text = "The device polls too often; wait five seconds longer between two polls.";
    OAuthError::new(ErrorCode::SlowDown, text)
}

fn expired_token() -> OAuthError {
    let text = "The device code has expired; ask for another one.";
    OAuthError::new(ErrorCode::ExpiredToken, text)
}

/// Returns the id of the grant to load for the decision: that of a device that was allowed.
pub fn granted_to_device(polled: &PolledDevice) -> Option<&str> {
    let PolledDevice { code, authorization } = polled;
    let own = authorization.as_ref().filter(|it| it.grant_id == code.grant_id)?;
    (own.answer == DeviceAnswer::Allowed).then_some(&*own.grant_id)
}

/// Decides about a device code whose bindings were checked. It gives tokens once: a second use means that it was
/// stolen, so the grant is revoked, as for a code (RFC 6749 §4.1.2).
pub fn decide_device(
    polled: &PolledDevice,
    input: DecisionInput<'_>,
) -> Result<TokenDecision, TokenRefusal> {
    let code = &polled.code;
    let granted = granted_by(polled, input)?;
    let binding = bind_sender(granted.binding.as_ref(), input.client, input.keys)?;
    let grant = Grant { binding, ..activate_grant(granted, input.client, input.now) };
    let referenced = referenced_until(&grant, &input.client.lifetimes, input.now);
    Ok(TokenDecision {
        scopes: scopes_of_grant(&grant, input.client)?,
        user: Some(UserGrant {
            id: code.grant_id.clone(),
            grant,
            gate: Gate::Swap,
            referenced_until: referenced.max(code.expires_at),
            with_nonce: false,
            needs_session: true,
            refresh_token: RefreshTokenAnswer::Current,
            subject_token: None,
        }),
    })
}

/// The stored grant of a person who has allowed the device.
fn granted_by<'a>(
    PolledDevice { code, authorization }: &PolledDevice,
    input: DecisionInput<'a>,
) -> Result<&'a Grant, TokenRefusal> {
    // A user code that was issued again belongs to another device.
    let own = authorization.as_ref().filter(|it| it.grant_id == code.grant_id);
    let authorization = own.ok_or_else(expired_token)?;
    if !authorization.is_of(input.client) {
        return Err(invalid_grant("The device code was issued to another client.").into());
    }
    match authorization.answer {
        DeviceAnswer::Pending => {
            let text = "The person has not answered yet.";
            return Err(OAuthError::new(ErrorCode::AuthorizationPending, text).into());
        }
        DeviceAnswer::Refused => {
            let text = "The person refused the request.";
            return Err(OAuthError::new(ErrorCode::AccessDenied, text).into());
        }
        DeviceAnswer::Allowed => {}
    }
    // The record was lost with its store, or it was ended and deleted.
    let stored = input.stored.ok_or_else(expired_token)?;
    match stored.state {
        GrantState::PendingRedemption => Ok(stored),
        GrantState::Revoked { .. } => {
            let text = "The access was withdrawn, or the device code was used twice.";
            Err(invalid_grant(text).into())
        }
        GrantState::Active { .. } => {
            let text = "The device code was already used; the tokens issued for it are revoked.";
            Err(TokenRefusal {
                error: invalid_grant(text),
                replayed: Some(ReplayedCredential {
                    grant_id: code.grant_id.clone(),
                    kind: CredentialKind::Code,
                }),
            })
        }
    }
}
