//! Redeems the credential of a request that a user answers on another device: a device code (RFC 8628 §3.4, §3.5) or an
//! `auth_req_id` (CIBA Core §10.1, §11). This module contains the checks, and makes the grant.

use super::{
    CredentialKind, DecisionInput, GrantWrite, RefreshTokenResponse, ReplayedCredential,
    TokenDecision, TokenRefusal, UserGrant,
    code::activate_grant,
    invalid_grant,
    refresh::{referenced_until, scopes_of_grant},
    sender::bind_sender,
};
use crate::{
    model::{Client, ClientId, Timestamp},
    protocol::{
        error::{ErrorCode, OAuthError},
        records::{
            AuthReqId, CrossDeviceAnswer, CrossDeviceAuthorization, DeviceCode, Grant, GrantState,
        },
    },
};

/// The credential that a client polls with.
#[derive(Clone, Debug)]
pub struct PollingCredential {
    /// The name of the credential in errors.
    name: &'static str,
    /// The id of the grant that it gives.
    pub grant_id: String,
    client: ClientId,
    expires_at: Timestamp,
}

impl From<DeviceCode> for PollingCredential {
    fn from(code: DeviceCode) -> Self {
        let DeviceCode { grant_id, client, expires_at, .. } = code;
        Self { name: "device code", grant_id, client, expires_at }
    }
}

impl From<AuthReqId> for PollingCredential {
    fn from(id: AuthReqId) -> Self {
        let AuthReqId { grant_id, client, expires_at } = id;
        Self { name: "auth_req_id", grant_id, client, expires_at }
    }
}

impl PollingCredential {
    /// Checks what the credential is bound to. It has no allowance for clock skew, as a code has none. A failure
    /// spends and revokes nothing.
    pub fn check(&self, client: &Client, now: Timestamp) -> Result<(), OAuthError> {
        if self.client != client.id {
            return Err(self.of_another_client());
        }
        if now >= self.expires_at { Err(self.expired()) } else { Ok(()) }
    }

    fn of_another_client(&self) -> OAuthError {
        invalid_grant(&format!("The {} was issued to another client.", self.name))
    }

    fn expired(&self) -> OAuthError {
        let text = format!("The {} has expired; ask for another one.", self.name);
        OAuthError::new(ErrorCode::ExpiredToken, text)
    }
}

/// Returns the error for a client that polls too often (RFC 8628 §3.5, CIBA Core §11).
pub fn slow_down() -> OAuthError {
    let text = "The client polls too often; wait five seconds longer between two polls.";
    OAuthError::new(ErrorCode::SlowDown, text)
}

/// A credential with the request that it belongs to.
#[derive(Clone, Debug)]
pub struct PolledRequest {
    /// The device code or `auth_req_id` of the token request.
    pub credential: PollingCredential,
    /// The request. `None` if its record no longer exists.
    pub authorization: Option<CrossDeviceAuthorization>,
}

impl PolledRequest {
    /// The request, if it is that of the credential: a user code that was issued again belongs to another device.
    fn own_authorization(&self) -> Option<&CrossDeviceAuthorization> {
        self.authorization.as_ref().filter(|it| it.grant_id == self.credential.grant_id)
    }

    /// Returns the id of the grant to load for the decision: that of a request that was allowed.
    pub fn granted(&self) -> Option<&str> {
        let own = self.own_authorization()?;
        (own.answer == CrossDeviceAnswer::Allowed).then_some(&*own.grant_id)
    }

    /// The stored grant of a person who has allowed the request.
    fn granted_by<'a>(&self, input: DecisionInput<'a>) -> Result<&'a Grant, TokenRefusal> {
        let credential = &self.credential;
        let authorization = self.own_authorization().ok_or_else(|| credential.expired())?;
        if !authorization.belongs_to_client(input.client) {
            return Err(credential.of_another_client().into());
        }
        match authorization.answer {
            CrossDeviceAnswer::Pending => {
                let text = "The person has not answered yet.";
                return Err(OAuthError::new(ErrorCode::AuthorizationPending, text).into());
            }
            CrossDeviceAnswer::Refused => {
                let text = "The person refused the request.";
                return Err(OAuthError::new(ErrorCode::AccessDenied, text).into());
            }
            CrossDeviceAnswer::Allowed => {}
        }
        // The record was lost with its store, or it was ended and deleted.
        let stored = input.stored.ok_or_else(|| credential.expired())?;
        match stored.state {
            GrantState::PendingRedemption => Ok(stored),
            GrantState::Revoked { .. } => {
                let text =
                    format!("The access was withdrawn, or the {} was used twice.", credential.name);
                Err(invalid_grant(&text).into())
            }
            GrantState::Active { .. } => {
                let text = format!(
                    "The {} was already used; the tokens issued for it are revoked.",
                    credential.name
                );
                Err(TokenRefusal {
                    error: invalid_grant(&text),
                    replayed: Some(ReplayedCredential {
                        grant_id: credential.grant_id.clone(),
                        kind: CredentialKind::Code,
                    }),
                })
            }
        }
    }
}

/// Decides about a credential whose bindings were checked. It gives tokens once: a second use means that it was
/// stolen, so the grant is revoked, as for a code (RFC 6749 §4.1.2).
pub fn decide_polled(
    polled: &PolledRequest,
    input: DecisionInput<'_>,
) -> Result<TokenDecision, TokenRefusal> {
    let credential = &polled.credential;
    let granted = polled.granted_by(input)?;
    let binding = bind_sender(granted.binding.as_ref(), input.client, input.keys)?;
    let grant = Grant { binding, ..activate_grant(granted, input.client, input.now)? };
    let referenced = referenced_until(&grant, &input.client.lifetimes, input.now);
    Ok(TokenDecision {
        scopes: scopes_of_grant(&grant, input.client)?,
        user: Some(UserGrant {
            id: credential.grant_id.clone(),
            grant,
            gate: GrantWrite::Swap,
            referenced_until: referenced.max(credential.expires_at),
            with_nonce: false,
            needs_session: true,
            refresh_token: RefreshTokenResponse::Current,
            subject_token: None,
        }),
    })
}
