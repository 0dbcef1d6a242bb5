//! Looks up a token presented at introspection or revocation: its kind, and whether it is active.
//! The kind is detected from the token; `token_type_hint` is not needed (RFC 7009 §2.1).

use std::sync::Arc;

use serde_json::Value;

use super::{AccountContext, AccountError, grants};
use crate::{
    model::{Account, ClientId, Timestamp},
    protocol::{
        claims::{Claims, GRANT_ID_CLAIM},
        records::{Grant, RefreshToken},
        token::{RefreshDecision, rotate},
    },
    store::{RecordKey, RecordKind},
};

/// A token of this tenant.
#[derive(Debug)]
pub(crate) enum PresentedToken {
    /// An access token with its verified claims.
    Access(Arc<Claims>),
    /// A refresh token with its unsealed contents.
    Refresh(RefreshToken),
}

/// An active grant and its user.
#[derive(Debug)]
pub(crate) struct ActiveGrant {
    pub(crate) grant: Grant,
    pub(crate) user: Arc<Account>,
}

impl PresentedToken {
    /// Reads a token; `None` if it does not belong to this tenant.
    pub(crate) fn read(
        context: AccountContext<'_>,
        token: &str,
    ) -> Result<Option<Self>, AccountError> {
        if let Ok(claims) = context.services.access_token_cache.verify(&context.tenant.keys, token)
        {
            let ours = claims.get("iss").and_then(Value::as_str)
                == Some(context.tenant.tenant.issuer.as_str());
            return Ok(ours.then_some(Self::Access(claims)));
        }
        Ok(context.open(token)?.map(Self::Refresh))
    }

    /// The client that the token was issued to.
    pub(crate) fn client(&self) -> Option<ClientId> {
        match self {
            Self::Access(claims) => {
                claims.get("client_id").and_then(Value::as_str).map(ClientId::new)
            }
            Self::Refresh(token) => Some(token.client.clone()),
        }
    }

    /// The id of the token's grant; tokens of `client_credentials` have no grant.
    pub(crate) fn grant_id(&self) -> Option<&str> {
        match self {
            Self::Access(claims) => claims.get(GRANT_ID_CLAIM).and_then(Value::as_str),
            Self::Refresh(token) => Some(&token.grant_id),
        }
    }

    /// Returns true if the token has expired.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
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
pub(crate) async fn live(
    context: AccountContext<'_>,
    presented: &PresentedToken,
) -> Result<Option<ActiveGrant>, AccountError> {
    let Some(id) = presented.grant_id() else { return Ok(None) };
    let Some(held) = grants::load(context, id).await? else { return Ok(None) };
    let grant = held.grant;
    let usable = match presented {
        PresentedToken::Access(_) => grant.is_active(context.now),
        PresentedToken::Refresh(token) => is_current(context, token, &grant),
    };
    if !usable {
        return Ok(None);
    }
    let user = grants::active_account(context, &grant).await?;
    Ok(user.map(|user| ActiveGrant { grant, user }))
}

/// Returns true if the refresh token would still be accepted.
fn is_current(context: AccountContext<'_>, token: &RefreshToken, grant: &Grant) -> bool {
    context.tenant.client(grant.client.as_str()).is_some_and(|client| {
        let rotation = rotate(grant, token.generation, client, context.store_now);
        matches!(
            rotation,
            RefreshDecision::Next(_) | RefreshDecision::Same(_) | RefreshDecision::Repeat
        )
    })
}

/// The key of the record of a revoked token without a grant.
pub(crate) fn revoked_key(context: AccountContext<'_>, jti: &str) -> RecordKey {
    context.key(RecordKind::Revoked, jti)
}
