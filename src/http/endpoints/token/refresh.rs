//! The `refresh_token` grant: rotation by a compare-and-swap of the grant.

use super::issue::{TokenIssueContext, TokenResponse, issue_tokens};
use crate::{
    accounts::{
        grants,
        token_issuer::{IdTokenKey, signing_key},
    },
    http::{AppState, EndpointError, Request},
    keys::SealPurpose,
    model::Client,
    protocol::{
        error::{ErrorCode, OAuthError},
        records::{RefreshToken, decode},
        token::{RefreshDecision, check_refresh, referenced_until, rotate, scopes_to_refresh},
    },
};

/// Refreshes the tokens; a swap that conflicts with another is decided again.
pub(super) async fn refresh(
    app: &AppState,
    request: &Request,
    client: &Client,
    sealed: &str,
    asked: Option<&str>,
) -> Result<TokenResponse, EndpointError> {
    let token = open(request, sealed)?;
    check_refresh(&token, client, request.now).map_err(EndpointError::Json)?;
    let id = token.grant_id.as_str();
    // A failure to sign must not use up the refresh token, so the key is loaded first.
    signing_key(app.context(request))?;
    IdTokenKey::of(app.context(request), client)?;
    for _ in 0..grants::MAX_ATTEMPTS {
        let gone = || refused("The refresh token has expired or was revoked.");
        let held = grants::load(app.context(request), id).await?.ok_or_else(gone)?;
        let mut stays = None;
        // Uses the store's clock: with a wrong local clock, the grace period would end early or
        // never for other replicas.
        let next = match rotate(&held.grant, token.generation, client, request.store_now) {
            RefreshDecision::Ended => return Err(gone()),
            RefreshDecision::Revoke => {
                grants::revoke(app.context(request), id).await?;
                return Err(refused("The refresh token was reused; its grant is revoked."));
            }
            RefreshDecision::Repeat => held.grant.clone(),
            RefreshDecision::Next(next) => *next,
            RefreshDecision::Same(next) => {
                stays = Some(sealed);
                *next
            }
        };
        let scopes = scopes_to_refresh(&next, client, asked).map_err(EndpointError::Json)?;
        let gone = || refused("The user or session of the refresh token is no longer active.");
        let user = grants::active_user(app.context(request), &next).await?.ok_or_else(gone)?;
        let until = referenced_until(&next, &client.lifetimes, request.now);
        let must_write = next != held.grant || !held.outlives(until);
        if must_write && !grants::swap(app.context(request), &held, (id, &next), until).await? {
            continue;
        }
        let (user, scopes) = (&*user, &scopes);
        let grant = &next;
        let issue =
            TokenIssueContext { client, grant_id: id, grant, user, scopes, nonce: None, stays };
        return issue_tokens(app, request, issue).await;
    }
    Err(EndpointError::Unavailable("concurrent writes of a grant conflicted repeatedly".to_owned()))
}

fn open(request: &Request, sealed: &str) -> Result<RefreshToken, EndpointError> {
    let tenant = &request.tenant.tenant.id;
    let plain = request.sealer()?.open(SealPurpose::Refresh, tenant, sealed);
    plain
        .and_then(|plain| decode(&plain).ok())
        .ok_or_else(|| refused("The refresh token is invalid or was issued by another issuer."))
}

fn refused(text: &str) -> EndpointError {
    EndpointError::Json(OAuthError::new(ErrorCode::InvalidGrant, text))
}
