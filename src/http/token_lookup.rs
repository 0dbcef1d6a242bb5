//! Looks up a token presented at introspection or revocation: its kind, and whether it is active.
//! The kind is detected from the token; `token_type_hint` is not needed (RFC 7009 §2.1).

use std::sync::Arc;

use serde_json::Value;

use super::{AppState, EndpointError, Request, grants};
use crate::{
    keys::SealPurpose,
    model::{ClientId, Timestamp, User},
    protocol::{
        claims::{Claims, GRANT_ID_CLAIM},
        records::{Grant, RefreshToken, decode},
        token::{RefreshDecision, rotate},
    },
    store::{RecordKey, RecordKind},
};

/// A token of this tenant.
#[derive(Debug)]
pub(super) enum PresentedToken {
    /// An access token with its verified claims.
    Access(Arc<Claims>),
    /// A refresh token with its unsealed contents.
    Refresh(RefreshToken),
}

/// An active grant and its user.
#[derive(Debug)]
pub(super) struct ActiveGrant {
    pub(super) grant: Grant,
    pub(super) user: Arc<User>,
}

impl PresentedToken {
    /// Reads a token; `None` if it does not belong to this tenant.
    pub(super) fn read(
        app: &AppState,
        request: &Request,
        token: &str,
    ) -> Result<Option<Self>, EndpointError> {
        if let Ok(claims) = app.access_token_cache.verify(&request.tenant.keys, token) {
            let ours = claims.get("iss").and_then(Value::as_str)
                == Some(request.tenant.tenant.issuer.as_str());
            return Ok(ours.then_some(Self::Access(claims)));
        }
        let tenant = &request.tenant.tenant.id;
        let plain = request.sealer()?.open(SealPurpose::Refresh, tenant, token);
        Ok(plain.and_then(|plain| decode(&plain).ok()).map(Self::Refresh))
    }

    /// The client that the token was issued to.
    pub(super) fn client(&self) -> Option<ClientId> {
        match self {
            Self::Access(claims) => {
                claims.get("client_id").and_then(Value::as_str).map(ClientId::new)
            }
            Self::Refresh(token) => Some(token.client.clone()),
        }
    }

    /// The id of the token's grant; tokens of `client_credentials` have no grant.
    pub(super) fn grant_id(&self) -> Option<&str> {
        match self {
            Self::Access(claims) => claims.get(GRANT_ID_CLAIM).and_then(Value::as_str),
            Self::Refresh(token) => Some(&token.grant_id),
        }
    }

    /// Returns true if the token has expired.
    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        match self {
            Self::Access(claims) => {
                claims.get("exp").and_then(Value::as_i64).is_none_or(|exp| exp <= now.secs())
            }
            Self::Refresh(token) => token.expires_at <= now,
        }
    }
}

/// The grant of a token, if it is still active
/// (docs/design/state.md#tokens-name-their-grant).
pub(super) async fn live(
    app: &AppState,
    request: &Request,
    presented: &PresentedToken,
) -> Result<Option<ActiveGrant>, EndpointError> {
    let Some(id) = presented.grant_id() else { return Ok(None) };
    let Some(held) = grants::load(app, request, id).await? else { return Ok(None) };
    let grant = held.grant;
    let usable = match presented {
        PresentedToken::Access(_) => grant.is_active(request.now),
        PresentedToken::Refresh(token) => is_current(request, token, &grant),
    };
    if !usable {
        return Ok(None);
    }
    let user = grants::active_user(app, request, &grant).await?;
    Ok(user.map(|user| ActiveGrant { grant, user }))
}

/// Returns true if the refresh token would still be accepted.
fn is_current(request: &Request, token: &RefreshToken, grant: &Grant) -> bool {
    request.tenant.client(grant.client.as_str()).is_some_and(|client| {
        let rotation = rotate(grant, token.generation, client, request.store_now);
        matches!(
            rotation,
            RefreshDecision::Next(_) | RefreshDecision::Same(_) | RefreshDecision::Repeat
        )
    })
}

/// The key of the record of a revoked token without a grant.
pub(super) fn revoked_key(request: &Request, jti: &str) -> RecordKey {
    RecordKey::new(RecordKind::Revoked, &request.tenant.tenant.id, jti)
}
