//! Looks up a token presented at introspection or revocation: its kind, and whether it is active.
//! The kind is detected from the token; `token_type_hint` is not needed (RFC 7009 §2.1).

use std::sync::Arc;

use serde_json::Value;

use super::{exchanged_tokens, grant_validity};
use crate::{
    accounts::{
        AccountContext, AccountError,
        records::{
            budgeted_records::{insert_within_budget, marker_record, record_makers},
            grant_records::{load_grant_record, revoke_stored_grant},
        },
        tokens::{
            revoked_tokens::{is_revoked_token, revoked_token_key},
            token_events,
        },
    },
    keys::JwtVerificationError,
    model::{Account, Client, IssuedToken, Timestamp},
    protocol::{
        claims::{Claims, GRANT_ID_CLAIM},
        records::{Grant, RefreshToken},
        session::CLOCK_SKEW,
        token::{RefreshDecision, rotate_grant},
        token_binding::is_bound_as_required,
        token_holder::TokenHolder,
    },
    store::VersionedRecord,
};

/// A token of this tenant.
#[derive(Debug)]
pub(crate) enum PresentedToken {
    /// An access token with its verified claims.
    Access(Arc<Claims>),
    /// A refresh token with its unsealed contents.
    Refresh(RefreshToken),
}

/// The owner of an active token.
#[derive(Debug)]
pub(crate) enum ActiveToken {
    /// The token is from a grant of this user.
    OfGrant { grant: Box<Grant>, user: Arc<Account> },
    /// The token is from `client_credentials`, so it is about no user.
    OfClient,
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

    fn kind(&self) -> IssuedToken {
        match self {
            Self::Access(_) => IssuedToken::AccessToken,
            Self::Refresh(_) => IssuedToken::RefreshToken,
        }
    }

    /// The client that the token was issued to, with its object. The client of a refresh token is that of its grant.
    fn holder(&self) -> Option<TokenHolder> {
        match self {
            Self::Access(claims) => TokenHolder::of_claims(claims),
            Self::Refresh(token) => Some(TokenHolder::new(token.client.clone())),
        }
    }

    /// The id of the token's grant; tokens of `client_credentials` have no grant.
    fn grant_id(&self) -> Option<&str> {
        match self {
            Self::Access(claims) => claims.get(GRANT_ID_CLAIM).and_then(Value::as_str),
            Self::Refresh(token) => Some(&token.grant_id),
        }
    }

    /// `jti` of an access token.
    fn jti(&self) -> Option<&str> {
        match self {
            Self::Access(claims) => claims.get("jti").and_then(Value::as_str),
            Self::Refresh(_) => None,
        }
    }

    /// Returns true if the token has expired.
    fn is_expired(&self, now: Timestamp) -> bool {
        match self {
            Self::Access(claims) => {
                claims.get("exp").and_then(Value::as_i64).is_none_or(|exp| exp <= now.secs())
            }
            Self::Refresh(token) => token.expires_at <= now,
        }
    }
}

/// The token's owner, if the token is still active (docs/design/state.md#tokens-name-their-grant). An access token is
/// bound as its client and its resource server require.
pub(crate) async fn load_active_token(
    context: AccountContext<'_>,
    presented: &PresentedToken,
) -> Result<Option<ActiveToken>, AccountError> {
    if presented.is_expired(context.now) {
        return Ok(None);
    }
    if let PresentedToken::Access(claims) = presented
        && !is_bound(context, claims)
    {
        return Ok(None);
    }
    let Some(id) = presented.grant_id() else {
        let is_served = presented.holder().is_some_and(|holder| {
            let client = context.tenant.client(holder.client.as_str());
            client.is_some_and(|client| holder.is(&client))
        });
        let revoked = is_revoked_token(context, presented.jti()).await?;
        return Ok((is_served && !revoked).then_some(ActiveToken::OfClient));
    };
    let Some(stored) = grant_validity::load_grant(context, id).await? else { return Ok(None) };
    let grant = stored.grant;
    let usable = match presented {
        PresentedToken::Access(_) => grant.is_active(context.now),
        PresentedToken::Refresh(token) => is_current(context, token, &grant),
    };
    if !usable {
        return Ok(None);
    }
    let Ok(user) = grant_validity::account_of_grant(context, &grant).await? else {
        return Ok(None);
    };
    let Some(holder) = presented.holder() else { return Ok(None) };
    let held = (&holder, presented.jti());
    if !exchanged_tokens::is_exchanged_token_usable(context, held, (&grant, &user)).await? {
        return Ok(None);
    }
    Ok(Some(ActiveToken::OfGrant { grant: Box::new(grant), user }))
}

/// The reason why an access token gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AccessTokenError {
    /// It is not an access token that the tenant signed.
    #[error(transparent)]
    NotVerified(#[from] JwtVerificationError),
    /// It is not bound, and was issued before its client or its resource server required that.
    #[error("not bound to a key or certificate as its client or its resource server requires")]
    NotBound,
}

/// The claims of an access token that the tenant signed, and that is bound as its client and its resource server
/// require. Issuer, times and grant are not checked.
pub(crate) fn verify_access_token(
    context: AccountContext<'_>,
    token: &str,
) -> Result<Arc<Claims>, AccessTokenError> {
    let claims = context.services.access_token_cache.verify(&context.tenant.keys, token)?;
    if is_bound(context, &claims) { Ok(claims) } else { Err(AccessTokenError::NotBound) }
}

fn is_bound(context: AccountContext<'_>, claims: &Claims) -> bool {
    let client = claims.get("client_id").and_then(Value::as_str);
    let client = client.and_then(|id| context.tenant.client(id));
    let client = client.as_ref().map(|it| &***it);
    is_bound_as_required(claims, client, &context.tenant.resource_servers)
}

/// Revokes a token and the grant that it refers to, and reports what was not revoked before. Returns false if the token
/// was issued to another client, or to another object with the client's ID (RFC 7009 §2.1). A token that the client
/// got by exchange is revoked alone: the grant is not the client's.
///
/// # Errors
///
/// [`AccountError::TooManyRecords`] if too many tokens without a grant of the client are remembered. The token is
/// not revoked.
pub(crate) async fn revoke_token(
    context: AccountContext<'_>,
    presented: &PresentedToken,
    caller: &Client,
) -> Result<bool, AccountError> {
    if !names_client(presented, caller) {
        return Ok(false);
    }
    let loaded = match presented.grant_id() {
        Some(id) => load_grant_record(context, id).await?,
        None => None,
    };
    match (presented, loaded) {
        (_, Some((stored, grant))) if grant.belongs_to_client(caller) => {
            revoke_with_grant(context, (presented, caller), stored).await?;
        }
        // A refresh token has the object of its grant. It has ended with a grant that does not exist any more.
        (PresentedToken::Refresh(_), loaded) => return Ok(loaded.is_none()),
        (PresentedToken::Access(_), None) if presented.grant_id().is_some() => {}
        (PresentedToken::Access(claims), of_other) => {
            let of_other = of_other.map(|(_, grant)| grant);
            revoke_alone(context, presented, claims, (caller, of_other.as_ref())).await?;
        }
    }
    Ok(true)
}

/// Returns true if the token itself names the client: a refresh token by its ID, an access token also by its object.
fn names_client(presented: &PresentedToken, client: &Client) -> bool {
    match presented {
        PresentedToken::Access(claims) => {
            TokenHolder::of_claims(claims).is_some_and(|holder| holder.is(client))
        }
        PresentedToken::Refresh(token) => token.client == client.id,
    }
}

/// Revokes the grant of a token, as it was loaded.
async fn revoke_with_grant(
    context: AccountContext<'_>,
    (presented, caller): (&PresentedToken, &Client),
    stored: VersionedRecord,
) -> Result<(), AccountError> {
    let key = stored.record.key.clone();
    if let Some(grant) = revoke_stored_grant(context, &key, Some(stored)).await? {
        let owner = Some((key.id.as_str(), &grant));
        context.audit(token_events::revoked_event(caller, presented.kind(), owner));
    }
    Ok(())
}

/// Revokes an access token without a grant of the client. `of_other`: the grant of another client that it was
/// exchanged from.
async fn revoke_alone(
    context: AccountContext<'_>,
    presented: &PresentedToken,
    claims: &Claims,
    (caller, of_other): (&Client, Option<&Grant>),
) -> Result<(), AccountError> {
    let expires = claims.get("exp").and_then(Value::as_i64);
    let (Some(jti), Some(exp)) = (presented.jti(), expires) else { return Ok(()) };
    if presented.is_expired(context.now) || is_revoked_token(context, Some(jti)).await? {
        return Ok(());
    }
    // The id of a token without a grant is stored until the token expires. An existing record has
    // the same content.
    let expires_at = Timestamp::from_secs(exp).plus(CLOCK_SKEW);
    let record = marker_record(revoked_token_key(context, jti), expires_at);
    let budget = (&context.services.revocation_budget, record_makers(caller));
    if insert_within_budget(context, budget, record).await? {
        let owner = presented.grant_id().zip(of_other);
        context.audit(token_events::revoked_event(caller, presented.kind(), owner));
    }
    Ok(())
}

/// Returns true if the refresh token is the current one of its grant. A superseded one is inactive,
/// even while the token endpoint still answers it.
fn is_current(context: AccountContext<'_>, token: &RefreshToken, grant: &Grant) -> bool {
    context.tenant.client(grant.client.as_str()).is_some_and(|client| {
        let rotation = rotate_grant(grant, token.generation, &client, context.store_now);
        matches!(rotation, RefreshDecision::Next(_) | RefreshDecision::Same(_))
    })
}
