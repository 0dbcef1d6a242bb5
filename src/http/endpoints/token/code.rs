//! `authorization_code`: open, check, pass the gate, sign (design §6, "Authorization code").

use super::issue::{Answer, Issue, answer};
use crate::{
    http::{
        App, Failure, Request, grants,
        tokens::{IdTokenKey, signing_key},
    },
    keys::Purpose,
    model::{Client, Timestamp},
    protocol::{
        error::{ErrorCode, OAuthError},
        records::{Code, Grant, GrantState, SealedCode, decode},
        token::{check_age, check_code, named_until, open_grant},
    },
    store::{Key, RecordKind},
};

/// Redeems a code, once across all replicas. `bound`: redirect URI and PKCE verifier of the request.
pub(super) async fn redeem(
    app: &App,
    request: &Request,
    client: &Client,
    sealed: &str,
    bound: (Option<&str>, Option<&str>),
) -> Result<Answer, Failure> {
    let code = open(app, request, sealed).await?;
    let incarnation = app.store.incarnation().await?;
    check_code(&code, client, bound, &incarnation).map_err(Failure::Json)?;
    if let Err(expired) = check_age(&code, request.now) {
        return Err(too_late(app, request, &code.grant_id, expired).await?);
    }
    let (grant_id, code_expires, offered) = (code.grant_id.clone(), code.expires_at, code.offered);
    let grant = open_grant(code, client, request.now);
    let gone = || refused("The person or the session behind the code is gone.");
    let user = grants::user_of(app, request, &grant).await?.ok_or_else(gone)?;
    // What cannot be signed must not cost the code.
    signing_key(request)?;
    IdTokenKey::of(request, client)?;
    // The gate. Everything up to here could be asked again; from here on the code is spent.
    let until = named_until(&grant, &client.lifetimes, request.now).max(code_expires);
    let passes = if offered {
        take_up(app, request, (&grant_id, &grant), until).await?
    } else {
        grants::insert(app, request, (&grant_id, &grant), until).await?
    };
    if !passes {
        return Err(used_before(app, request, &grant_id).await?);
    }
    let nonce = grant.nonce.as_deref();
    let scopes = &grant.scopes;
    let (grant_id, grant, user) = (grant_id.as_str(), &grant, &*user);
    let issue = Issue { client, grant_id, grant, user, scopes, nonce, stays: None };
    answer(app, request, issue).await
}

/// A code that is shown after its minute: one that was used in it is still used twice.
async fn too_late(
    app: &App,
    request: &Request,
    grant_id: &str,
    expired: OAuthError,
) -> Result<Failure, Failure> {
    match grants::load(app, request, grant_id).await? {
        Some(held) if held.grant.state != GrantState::Offered => {
            used_before(app, request, grant_id).await
        }
        _ => Ok(Failure::Json(expired)),
    }
}

/// Two have the code, and one of them stole it (RFC 6749 §4.1.2).
async fn used_before(app: &App, request: &Request, grant_id: &str) -> Result<Failure, Failure> {
    grants::revoke(app, request, grant_id).await?;
    Ok(refused("The code has been used before; what it gave is revoked."))
}

/// The gate of a code that came with an access token: its grant is there, and of any number of
/// callers one finds it untouched. A record that is gone has been lost with its store.
async fn take_up(
    app: &App,
    request: &Request,
    (id, grant): (&str, &Grant),
    until: Timestamp,
) -> Result<bool, Failure> {
    match grants::load(app, request, id).await? {
        Some(held) if held.grant.state == GrantState::Offered => {
            // Nothing else changes such a grant but its redemption and its revocation.
            grants::swap(app, request, &held, (id, grant), until).await
        }
        _ => Ok(false),
    }
}

async fn open(app: &App, request: &Request, sealed: &str) -> Result<Code, Failure> {
    let unknown = || refused("The code is not one of this issuer's.");
    let tenant = &request.tenant.tenant.id;
    let plain = request.sealer()?.open(Purpose::Code, tenant, sealed).ok_or_else(unknown)?;
    match decode(&plain).map_err(|_| unknown())? {
        SealedCode::Whole(code) => Ok(*code),
        SealedCode::Stored(id) => {
            let key = Key::new(RecordKind::CodeDetail, tenant, id);
            let stored = app.store.get(&key, request.now).await?.ok_or_else(unknown)?;
            decode(&stored.record.value).map_err(|_| unknown())
        }
    }
}

fn refused(text: &str) -> Failure {
    Failure::Json(OAuthError::new(ErrorCode::InvalidGrant, text))
}
