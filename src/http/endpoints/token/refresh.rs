//! `refresh_token`: rotation by a swap of the grant (design §6, "Refresh token").

use super::issue::{TokenIssueContext, TokenResponse, answer};
use crate::{
    http::{
        AppState, EndpointError, Request, grants,
        token_issuer::{IdTokenKey, signing_key},
    },
    keys::SealPurpose,
    model::Client,
    protocol::{
        error::{ErrorCode, OAuthError},
        records::{RefreshToken, decode},
        token::{RefreshDecision, check_refresh, referenced_until, rotate, scopes_to_refresh},
    },
};

/// Refreshes; a swap that loses against another is decided again.
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
    // What cannot be signed must not cost the token its turn, nor what cannot be given.
    signing_key(request)?;
    IdTokenKey::of(request, client)?;
    for _ in 0..grants::MAX_ATTEMPTS {
        let gone = || refused("The refresh token is not valid any more.");
        let held = grants::load(app, request, id).await?.ok_or_else(gone)?;
        let mut stays = None;
        // By a clock that is off, a grace would be over, or never end, for the others.
        let next = match rotate(&held.grant, token.generation, client, request.store_now) {
            RefreshDecision::Ended => return Err(gone()),
            RefreshDecision::Revoke => {
                grants::revoke(app, request, id).await?;
                return Err(refused("The refresh token was used again; its grant is revoked."));
            }
            RefreshDecision::Repeat => held.grant.clone(),
            RefreshDecision::Next(next) => *next,
            RefreshDecision::Same(next) => {
                stays = Some(sealed);
                *next
            }
        };
        let scopes = scopes_to_refresh(&next, client, asked).map_err(EndpointError::Json)?;
        let gone = || refused("The person or the session behind the token is gone.");
        let user = grants::active_user(app, request, &next).await?.ok_or_else(gone)?;
        let until = referenced_until(&next, &client.lifetimes, request.now);
        let must_write = next != held.grant || !held.outlives(until);
        if must_write && !grants::swap(app, request, &held, (id, &next), until).await? {
            continue;
        }
        let (user, scopes) = (&*user, &scopes);
        let grant = &next;
        let issue =
            TokenIssueContext { client, grant_id: id, grant, user, scopes, nonce: None, stays };
        return answer(app, request, issue).await;
    }
    Err(EndpointError::Unavailable("a grant changes too often".to_owned()))
}

fn open(request: &Request, sealed: &str) -> Result<RefreshToken, EndpointError> {
    let tenant = &request.tenant.tenant.id;
    let plain = request.sealer()?.open(SealPurpose::Refresh, tenant, sealed);
    plain
        .and_then(|plain| decode(&plain).ok())
        .ok_or_else(|| refused("The refresh token is not one of this issuer's."))
}

fn refused(text: &str) -> EndpointError {
    EndpointError::Json(OAuthError::new(ErrorCode::InvalidGrant, text))
}
