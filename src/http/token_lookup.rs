//! A token that somebody shows at introspection or revocation: what it is and whether it is worth
//! something. Its kind is seen from the token; `token_type_hint` is not needed (RFC 7009 §2.1).

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

/// A token of this tenant's.
#[derive(Debug)]
pub(super) enum PresentedToken {
    /// Its claims, verified.
    Access(Arc<Claims>),
    /// What it was sealed from.
    Refresh(RefreshToken),
}

/// A grant that may be used, and its person.
#[derive(Debug)]
pub(super) struct ActiveGrant {
    pub(super) grant: Grant,
    pub(super) user: Arc<User>,
}

impl PresentedToken {
    /// Reads a token. `None`: it is none of this tenant's.
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

    /// The client that it was given to.
    pub(super) fn client(&self) -> Option<ClientId> {
        match self {
            Self::Access(claims) => {
                claims.get("client_id").and_then(Value::as_str).map(ClientId::new)
            }
            Self::Refresh(token) => Some(token.client.clone()),
        }
    }

    /// The grant that it names; tokens of `client_credentials` name none.
    pub(super) fn grant_id(&self) -> Option<&str> {
        match self {
            Self::Access(claims) => claims.get(GRANT_ID_CLAIM).and_then(Value::as_str),
            Self::Refresh(token) => Some(&token.grant_id),
        }
    }

    /// Whether its time is over.
    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        match self {
            Self::Access(claims) => {
                claims.get("exp").and_then(Value::as_i64).is_none_or(|exp| exp <= now.secs())
            }
            Self::Refresh(token) => token.expires_at <= now,
        }
    }
}

/// The grant that a token names, if it may still be used
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

/// Whether a refresh token would still be answered.
fn is_current(request: &Request, token: &RefreshToken, grant: &Grant) -> bool {
    request.tenant.client(grant.client.as_str()).is_some_and(|client| {
        let rotation = rotate(grant, token.generation, client, request.store_now);
        matches!(
            rotation,
            RefreshDecision::Next(_) | RefreshDecision::Same(_) | RefreshDecision::Repeat
        )
    })
}

/// The record of a revoked token that names no grant.
pub(super) fn revoked_key(request: &Request, jti: &str) -> RecordKey {
    RecordKey::new(RecordKind::Revoked, &request.tenant.tenant.id, jti)
}
