//! Issues the tokens of a request's tenant for all endpoints: claims, signature, audit line.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;

use super::{
    issue_plan::{
        IdTokenPlan, IssuePlan, IssuedTokens, RefreshTokenPlan, SignedAccessToken, UserTokens,
    },
    signing_key_choice::{IdTokenKey, access_token_key},
    token_events,
};
use crate::{
    accounts::{AccountContext, AccountError, AccountServices},
    keys::{JwtType, SigningError, SigningKey},
    model::{Client, Subject, Timestamp},
    protocol::{
        claims::{self, AccessToken, AccessTokenClaims, Claims, IdToken, IdTokenContents},
        records::{GrantState, RefreshToken},
        subject,
        token::{access_token_end, token_until},
        token_hash::left_half_hash,
    },
};

/// Signs claims as a JWT with a key of the tenant. `typ`: the type in its header.
pub(crate) async fn sign_claims(
    services: &AccountServices,
    key: &Arc<SigningKey>,
    typ: JwtType,
    claims: &Claims,
) -> Result<String, SigningError> {
    services.signer.sign(key, typ, json(claims)).await
}

/// Issues the tokens of a plan, and reports them. Every gate has been passed.
pub(crate) async fn issue_tokens(
    context: AccountContext<'_>,
    plan: IssuePlan<'_>,
) -> Result<IssuedTokens, AccountError> {
    context.facts.record_client(&plan.client.object);
    if let Some(user) = plan.user {
        context.facts.record_user(user.grant.authentication.subject.as_str());
    }
    let jti = plan.access_token.then(|| context.services.entropy.id());
    let identity = plan.user.and_then(|user| user.id_token.map(|about| (user, about)));
    let (access_token, id_token) = match (&jti, identity) {
        (Some(jti), Some((user, about))) => {
            let both = access_and_id_token(context, plan, jti, (user, about)).await?;
            (Some(both.0), Some(both.1))
        }
        (Some(jti), None) => (Some(access_token(context, plan, jti).await?), None),
        (None, Some((user, about))) => (None, Some(id_token(context, plan, user, about).await?)),
        (None, None) => (None, None),
    };
    let refresh_token = match plan.user {
        Some(user) => refresh_token(context, plan.client, user)?,
        None => None,
    };
    let issued = IssuedTokens { access_token, id_token, refresh_token };
    context.audit(token_events::issued_event(plan, &issued, jti.as_deref()));
    Ok(issued)
}

/// An access token (RFC 9068).
async fn access_token(
    context: AccountContext<'_>,
    plan: IssuePlan<'_>,
    jti: &str,
) -> Result<SignedAccessToken, AccountError> {
    let (claims, expires_at) = access_claims(context, plan, jti);
    let (key, typ) = access_token_form(context, plan)?;
    let jwt = context.services.signer.sign(key, typ, claims).await?;
    Ok(SignedAccessToken { jwt, expires_at })
}

/// The key and the type of an access token: those of its resource server, or else of tenant and client.
fn access_token_form<'a>(
    context: AccountContext<'a>,
    plan: IssuePlan<'_>,
) -> Result<(&'a Arc<SigningKey>, JwtType), AccountError> {
    let key = access_token_key(context, plan.client, plan.server)?;
    let own = plan.client.tokens.access_token_type;
    let typ = plan.server.and_then(|server| server.token_type).unwrap_or(own);
    Ok((key, JwtType::AccessToken(typ)))
}

/// The claims of an access token with claims about the user.
#[derive(Serialize)]
struct WithPerson<'a> {
    #[serde(flatten)]
    claims: AccessTokenClaims<'a>,
    #[serde(flatten)]
    person: Claims,
}

/// The claims of an access token as JSON, and the time of `exp`.
fn access_claims(
    context: AccountContext<'_>,
    plan: IssuePlan<'_>,
    jti: &str,
) -> (Vec<u8>, Timestamp) {
    let IssuePlan { client, scopes, user, .. } = plan;
    let person =
        user.map(|user| subject::subject_for_client(client, &user.grant.authentication.subject));
    let subject_token = plan.exchange.map(|exchange| exchange.subject);
    let token = AccessToken {
        tenant: &context.tenant.tenant,
        client,
        subject: person.as_ref().map_or(client.id.as_str(), Subject::as_str),
        scopes,
        details: plan.details,
        grant_id: user.map(|user| user.grant_id),
        jti,
        key: plan.key,
        server: plan.server,
        not_after: user.map(|user| access_token_end(user.grant, subject_token)).or(plan.not_after),
        actors: plan.exchange.and_then(|exchange| exchange.actors),
    };
    let claims = token.claims(context.now);
    let named = |user: UserTokens<'_>| claims::named_claims(user.user, plan.claims);
    let text = match user.filter(|_| !plan.claims.is_empty()).map(named) {
        None => json(&claims),
        Some(person) => json(&WithPerson { claims, person }),
    };
    (text, token.expires_at(context.now))
}

/// An access token and the ID token that contains its hash, signed in one step.
async fn access_and_id_token(
    context: AccountContext<'_>,
    plan: IssuePlan<'_>,
    jti: &str,
    (user, about): (UserTokens<'_>, IdTokenPlan<'_>),
) -> Result<(SignedAccessToken, String), AccountError> {
    let mut claims = id_claims(context, plan, user, about)?;
    let Some(id_key) = IdTokenKey::of(context, plan.client)?.0 else {
        return Ok((access_token(context, plan, jti).await?, unsigned_id_token(&claims)));
    };
    let (key, typ) = access_token_form(context, plan)?;
    let (contents, expires_at) = access_claims(context, plan, jti);
    let algorithm = id_key.algorithm;
    let naming = move |access_token: &str| {
        claims.insert("at_hash".into(), left_half_hash(algorithm, access_token).into());
        json(&claims)
    };
    let (first, second) = ((key, typ, contents), (id_key, JwtType::IdToken));
    let (jwt, id_token) = context.services.signer.sign_both(first, second, naming).await?;
    Ok((SignedAccessToken { jwt, expires_at }, id_token))
}

/// An ID token without an access token.
async fn id_token(
    context: AccountContext<'_>,
    plan: IssuePlan<'_>,
    user: UserTokens<'_>,
    about: IdTokenPlan<'_>,
) -> Result<String, AccountError> {
    let claims = id_claims(context, plan, user, about)?;
    let Some(key) = IdTokenKey::of(context, plan.client)?.0 else {
        return Ok(unsigned_id_token(&claims));
    };
    Ok(sign_claims(context.services, key, JwtType::IdToken, &claims).await?)
}

/// The claims of an ID token (OIDC Core §2) without the hash of an access token (§3.3.2.11).
fn id_claims(
    context: AccountContext<'_>,
    plan: IssuePlan<'_>,
    user: UserTokens<'_>,
    about: IdTokenPlan<'_>,
) -> Result<Claims, AccountError> {
    let (tenant, client, grant) = (&context.tenant.tenant, plan.client, user.grant);
    let key = IdTokenKey::of(context, client)?;
    let contents = IdTokenContents {
        scopes: about.scopes,
        named: &grant.claims.id_token,
        with_code: plan.code.is_some(),
        with_access_token: plan.access_token,
    };
    let person = claims::id_token_user_claims(tenant, client, user.user, contents);
    let c_hash = plan.code.and_then(|code| key.hash(code));
    let token = IdToken {
        tenant,
        client,
        authentication: &grant.authentication,
        acr: grant.acr.as_deref(),
        with_auth_time: grant.wants_auth_time,
        sid: grant.sid.as_deref(),
        nonce: about.nonce,
        at_hash: None,
        c_hash: c_hash.as_deref(),
        grant_id: user.grant_id,
        person,
    };
    Ok(token.claims(context.now))
}

/// The grant's current refresh token, if it has one.
fn refresh_token(
    context: AccountContext<'_>,
    client: &Client,
    user: UserTokens<'_>,
) -> Result<Option<String>, AccountError> {
    let GrantState::Active { generation, .. } = user.grant.state else { return Ok(None) };
    if generation == 0 {
        return Ok(None);
    }
    match user.refresh_token {
        RefreshTokenPlan::Current => {}
        RefreshTokenPlan::Kept(token) => return Ok(Some(token.to_owned())),
        RefreshTokenPlan::Withheld => return Ok(None),
    }
    let token = RefreshToken {
        grant_id: user.grant_id.to_owned(),
        generation,
        client: client.id.clone(),
        expires_at: token_until(user.grant, &client.lifetimes),
    };
    Ok(Some(context.seal(&token)?))
}

fn json(claims: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(claims).expect("claims serialise to memory")
}

/// An ID token as an unsecured JWT (RFC 7519 §6).
fn unsigned_id_token(claims: &Claims) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    format!("{header}.{}.", URL_SAFE_NO_PAD.encode(json(claims)))
}
