//! `refresh_token`: rotation by a swap of the grant (design §6, "Refresh token").

use super::issue::{Answer, Issue, named_until, tokens};
use crate::{
    http::{App, Failure, Request, grants},
    keys::Purpose,
    model::Client,
    protocol::{
        error::{ErrorCode, OAuthError},
        records::{Grant, RefreshToken, decode},
        scope,
        token::{Rotation, check_refresh, rotate},
    },
};

/// Refreshes; a swap that loses against another is decided again.
pub(super) async fn refresh(
    app: &App,
    request: &Request,
    client: &Client,
    sealed: &str,
    asked: Option<&str>,
) -> Result<Answer, Failure> {
    let token = open(request, sealed)?;
    check_refresh(&token, client, request.now).map_err(Failure::Json)?;
    for _ in 0..grants::ATTEMPTS {
        let gone = || refused("The refresh token is not valid any more.");
        let held = grants::load(app, request, &token.grant_id).await?.ok_or_else(gone)?;
        // A request that cannot succeed must not cost the token its turn.
        let scopes = scope::narrow(asked, &held.grant.scopes).map_err(Failure::Json)?;
        if grants::user_of(app, request, &held.grant).await?.is_none() {
            return Err(refused("The person or the session behind the token is gone."));
        }
        let grant: Grant = match rotate(&held.grant, token.generation, request.now) {
            Rotation::Ended => return Err(gone()),
            Rotation::Repeat => held.grant,
            Rotation::Next(next) => {
                let until = named_until(client, &next, request.now);
                let id = token.grant_id.as_str();
                if !grants::swap(app, request, &held, (id, &next), until).await? {
                    continue;
                }
                *next
            }
            Rotation::Revoke(_) => {
                grants::revoke(app, request, &token.grant_id).await?;
                return Err(refused("The refresh token was used again; its grant is revoked."));
            }
        };
        let grant_id = token.grant_id.as_str();
        let issue = Issue { client, grant_id, grant: &grant, scopes: &scopes, nonce: None };
        return tokens(app, request, issue).await;
    }
    Err(Failure::Unavailable("a grant changes too often".to_owned()))
}

fn open(request: &Request, sealed: &str) -> Result<RefreshToken, Failure> {
    let tenant = &request.tenant.tenant.id;
    let plain = request.sealer()?.open(Purpose::Refresh, tenant, sealed);
    plain
        .and_then(|plain| decode(&plain).ok())
        .ok_or_else(|| refused("The refresh token is not one of this issuer's."))
}

fn refused(text: &str) -> Failure {
    Failure::Json(OAuthError::new(ErrorCode::InvalidGrant, text))
}
