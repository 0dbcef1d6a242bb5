//! The `authorization_code` grant: open, check, pass the atomic gate, sign.

use super::issue::{TokenIssueContext, TokenResponse, issue_tokens};
use crate::{
    accounts::{
        grants,
        token_issuer::{IdTokenKey, signing_key},
    },
    http::{AppState, EndpointError, Request},
    keys::SealPurpose,
    model::{Client, Timestamp},
    protocol::{
        error::{ErrorCode, OAuthError},
        records::{AuthorizationCode, Grant, GrantState, SealedCode, decode},
        token::{activate_grant, check_age, check_code, referenced_until},
    },
    store::{RecordKey, RecordKind},
};

/// Redeems a code, once across all replicas. `bound`: redirect URI and PKCE verifier of the
/// request.
pub(super) async fn redeem(
    app: &AppState,
    request: &Request,
    client: &Client,
    sealed: &str,
    bound: (Option<&str>, Option<&str>),
) -> Result<TokenResponse, EndpointError> {
    let code = open(app, request, sealed).await?;
    let incarnation = app.accounts.store.incarnation().await?;
    check_code(&code, client, bound, &incarnation).map_err(EndpointError::Json)?;
    if let Err(expired) = check_age(&code, request.now) {
        return Err(expired_code(app, request, &code.grant_id, expired).await?);
    }
    let (grant_id, code_expires, offered) =
        (code.grant_id.clone(), code.expires_at, code.grant_stored);
    let grant = activate_grant(code, client, request.now);
    let gone = || refused("The user or session of the code is no longer active.");
    let user = grants::active_user(app.context(request), &grant).await?.ok_or_else(gone)?;
    // A failure to sign must not use up the code, so the key is loaded first.
    signing_key(app.context(request))?;
    IdTokenKey::of(app.context(request), client)?;
    // The atomic gate: before it the request can be repeated; after it the code is redeemed.
    let until = referenced_until(&grant, &client.lifetimes, request.now).max(code_expires);
    let passes = if offered {
        activate_offered_grant(app, request, (&grant_id, &grant), until).await?
    } else {
        grants::insert(app.context(request), (&grant_id, &grant), until).await?
    };
    if !passes {
        return Err(revoke_replayed_code(app, request, &grant_id).await?);
    }
    let nonce = grant.nonce.as_deref();
    let scopes = &grant.scopes;
    let (grant_id, grant, user) = (grant_id.as_str(), &grant, &*user);
    let issue = TokenIssueContext { client, grant_id, grant, user, scopes, nonce, stays: None };
    issue_tokens(app, request, issue).await
}

/// Rejects an expired code. A redeemed code is a replay even after it has expired.
async fn expired_code(
    app: &AppState,
    request: &Request,
    grant_id: &str,
    expired: OAuthError,
) -> Result<EndpointError, EndpointError> {
    match grants::load(app.context(request), grant_id).await? {
        Some(held) if held.grant.state != GrantState::PendingRedemption => {
            revoke_replayed_code(app, request, grant_id).await
        }
        _ => Ok(EndpointError::Json(expired)),
    }
}

/// A second redemption means that the code was stolen (RFC 6749 §4.1.2): its tokens are revoked.
async fn revoke_replayed_code(
    app: &AppState,
    request: &Request,
    grant_id: &str,
) -> Result<EndpointError, EndpointError> {
    grants::revoke(app.context(request), grant_id).await?;
    Ok(refused("The code was already used; the tokens issued for it are revoked."))
}

/// The gate of a code issued with an access token: its grant exists already, and exactly one of any
/// number of callers finds it unredeemed. A missing record was lost with its store.
async fn activate_offered_grant(
    app: &AppState,
    request: &Request,
    (id, grant): (&str, &Grant),
    until: Timestamp,
) -> Result<bool, EndpointError> {
    match grants::load(app.context(request), id).await? {
        Some(held) if held.grant.state == GrantState::PendingRedemption => {
            // Only redemption and revocation change such a grant.
            Ok(grants::swap(app.context(request), &held, (id, grant), until).await?)
        }
        _ => Ok(false),
    }
}

async fn open(
    app: &AppState,
    request: &Request,
    sealed: &str,
) -> Result<AuthorizationCode, EndpointError> {
    let unknown = || refused("The code is invalid or was issued by another issuer.");
    let tenant = &request.tenant.tenant.id;
    let plain = request.sealer()?.open(SealPurpose::Code, tenant, sealed).ok_or_else(unknown)?;
    match decode(&plain).map_err(|_| unknown())? {
        SealedCode::Whole(code) => Ok(*code),
        SealedCode::Stored(id) => {
            let key = RecordKey::new(RecordKind::CodeDetail, tenant, id);
            let stored = app.accounts.store.get(&key, request.now).await?.ok_or_else(unknown)?;
            decode(&stored.record.value).map_err(|_| unknown())
        }
    }
}

fn refused(text: &str) -> EndpointError {
    EndpointError::Json(OAuthError::new(ErrorCode::InvalidGrant, text))
}
