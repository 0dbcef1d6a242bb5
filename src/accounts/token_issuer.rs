//! Issues the tokens of a request's tenant for all endpoints: claims, signature, metrics.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;

use super::{AccountContext, AccountError, AccountServices};
use crate::{
    keys::{JwtType, SignError, SigningKey},
    model::{Account, Client, IdTokenAlgorithm, SigningAlgorithm, Subject},
    protocol::{
        claims::{self, AccessToken, Claims, IdToken, IdTokenContents, left_half_hash},
        records::{Grant, GrantState, RefreshToken},
        scope::Scopes,
        subject,
        token::token_until,
    },
    telemetry::TokenKind,
};

/// The tenant's current signing key.
fn signing_key(context: AccountContext<'_>) -> Result<&Arc<SigningKey>, AccountError> {
    let key = context.tenant.signing_key(context.store_now);
    key.ok_or(AccountError::NoSigningKey(None))
}

/// The tenant's signing key for an algorithm.
pub(crate) fn key_of(
    context: AccountContext<'_>,
    algorithm: SigningAlgorithm,
) -> Result<&Arc<SigningKey>, AccountError> {
    let key = context.tenant.signing_key_of(algorithm, context.store_now);
    key.ok_or(AccountError::NoSigningKey(Some(algorithm)))
}

/// Signs claims.
pub(crate) async fn sign_with(
    services: &AccountServices,
    key: &Arc<SigningKey>,
    typ: JwtType,
    claims: &Claims,
) -> Result<String, SignError> {
    services.signer.sign(key, typ, json(claims)).await
}

/// The key of a client's ID tokens; `None` if the client registered `none`.
#[derive(Clone, Copy, Debug)]
struct IdTokenKey<'a>(Option<&'a Arc<SigningKey>>);

impl<'a> IdTokenKey<'a> {
    /// The key for the client's `id_token_signed_response_alg`, or the tenant's default.
    fn of(context: AccountContext<'a>, client: &Client) -> Result<Self, AccountError> {
        if client.id_token_signed_response_alg == Some(IdTokenAlgorithm::None) {
            return Ok(Self(None));
        }
        let key = context.tenant.signing_key_for(client, context.store_now);
        key.map(|key| Self(Some(key))).ok_or(AccountError::NoSigningKey(None))
    }

    /// The value of `at_hash` or `c_hash`; `None` for unsigned tokens, which have no hash
    /// algorithm.
    fn hash(self, text: &str) -> Option<String> {
        self.0.map(|key| left_half_hash(key.algorithm, text))
    }
}

/// Checks that the tenant has the keys that sign a client's tokens.
pub(crate) fn check_keys(context: AccountContext<'_>, client: &Client) -> Result<(), AccountError> {
    signing_key(context)?;
    IdTokenKey::of(context, client).map(drop)
}

/// The tokens to issue to a client: the last step of a token request and of an authorization.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IssuePlan<'a> {
    /// The client.
    pub(crate) client: &'a Client,
    /// The scopes of the tokens.
    pub(crate) scopes: &'a Scopes,
    /// Whether an access token is issued.
    pub(crate) access_token: bool,
    /// The user's grant that the tokens belong to; `None` if the client acts for itself.
    pub(crate) user: Option<UserTokens<'a>>,
}

/// The grant of an [`IssuePlan`] and the tokens that only a user's grant has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UserTokens<'a> {
    /// The id of the grant.
    pub(crate) grant_id: &'a str,
    /// The grant as stored.
    pub(crate) grant: &'a Grant,
    /// The user.
    pub(crate) user: &'a Account,
    /// The ID token, if one is issued.
    pub(crate) id_token: Option<IdTokenPlan<'a>>,
    /// The refresh token that the client keeps; `None` to issue the grant's current one, if it has
    /// one.
    pub(crate) kept_refresh_token: Option<&'a str>,
}

/// The contents of an ID token in addition to its grant's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdTokenPlan<'a> {
    /// The `nonce` of the request.
    pub(crate) nonce: Option<&'a str>,
    /// The code issued with it.
    pub(crate) code: Option<&'a str>,
}

/// Issued tokens.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_field_names, reason = "the names of a token response")]
pub(crate) struct IssuedTokens {
    pub(crate) access_token: Option<String>,
    pub(crate) id_token: Option<String>,
    pub(crate) refresh_token: Option<String>,
}

/// Issues the tokens of a plan. Every gate has been passed.
pub(crate) async fn issue_tokens(
    context: AccountContext<'_>,
    plan: IssuePlan<'_>,
) -> Result<IssuedTokens, AccountError> {
    context.facts.record_client(&plan.client.object);
    if let Some(user) = plan.user {
        context.facts.record_user(user.grant.authentication.subject.as_str());
    }
    let identity = plan.user.and_then(|user| user.id_token.map(|about| (user, about)));
    let (access_token, id_token) = match (plan.access_token, identity) {
        (true, Some((user, about))) => {
            let both = access_and_id_token(context, plan, user, about).await?;
            (Some(both.0), Some(both.1))
        }
        (true, None) => (Some(access_token(context, plan).await?), None),
        (false, Some((user, about))) => (None, Some(id_token(context, plan, user, about).await?)),
        (false, None) => (None, None),
    };
    let refresh_token = match plan.user {
        Some(user) => refresh_token(context, plan.client, user)?,
        None => None,
    };
    Ok(IssuedTokens { access_token, id_token, refresh_token })
}

/// An access token (RFC 9068), signed with the tenant's default algorithm.
async fn access_token(
    context: AccountContext<'_>,
    plan: IssuePlan<'_>,
) -> Result<String, AccountError> {
    let claims = access_claims(context, plan);
    let key = signing_key(context)?;
    let typ = JwtType::AccessToken(plan.client.tokens.access_token_type);
    let token = context.services.signer.sign(key, typ, claims).await?;
    context.services.metrics.token_issued(context.tenant_id(), TokenKind::AccessToken);
    Ok(token)
}

/// The claims of an access token, as JSON.
fn access_claims(context: AccountContext<'_>, plan: IssuePlan<'_>) -> Vec<u8> {
    let IssuePlan { client, scopes, user, .. } = plan;
    let person =
        user.map(|user| subject::subject_for_client(client, &user.grant.authentication.subject));
    let token = AccessToken {
        tenant: &context.tenant.tenant,
        client,
        subject: person.as_ref().map_or(client.id.as_str(), Subject::as_str),
        scopes,
        grant_id: user.map(|user| user.grant_id),
        jti: &context.services.entropy.id(),
    };
    json(&token.claims(context.now))
}

/// An access token and the ID token that contains its hash, signed in one step.
async fn access_and_id_token(
    context: AccountContext<'_>,
    plan: IssuePlan<'_>,
    user: UserTokens<'_>,
    about: IdTokenPlan<'_>,
) -> Result<(String, String), AccountError> {
    let mut claims = id_claims(context, plan, user, about)?;
    let Some(id_key) = IdTokenKey::of(context, plan.client)?.0 else {
        return Ok((access_token(context, plan).await?, unsigned_id_token(context, &claims)));
    };
    let typ = JwtType::AccessToken(plan.client.tokens.access_token_type);
    let first = (signing_key(context)?, typ, access_claims(context, plan));
    let algorithm = id_key.algorithm;
    let naming = move |access_token: &str| {
        claims.insert("at_hash".into(), left_half_hash(algorithm, access_token).into());
        json(&claims)
    };
    let signed =
        context.services.signer.sign_both(first, (id_key, JwtType::IdToken), naming).await?;
    for kind in [TokenKind::AccessToken, TokenKind::IdToken] {
        context.services.metrics.token_issued(context.tenant_id(), kind);
    }
    Ok(signed)
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
        return Ok(unsigned_id_token(context, &claims));
    };
    let token = sign_with(context.services, key, JwtType::IdToken, &claims).await?;
    context.services.metrics.token_issued(context.tenant_id(), TokenKind::IdToken);
    Ok(token)
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
        scopes: plan.scopes,
        named: &grant.claims.id_token,
        with_code: about.code.is_some(),
        with_access_token: plan.access_token,
    };
    let person = claims::in_id_token(tenant, client, user.user, contents);
    let c_hash = about.code.and_then(|code| key.hash(code));
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
    if let Some(token) = user.kept_refresh_token {
        return Ok(Some(token.to_owned()));
    }
    let token = RefreshToken {
        grant_id: user.grant_id.to_owned(),
        generation,
        client: client.id.clone(),
        expires_at: token_until(user.grant, &client.lifetimes),
    };
    let sealed = context.seal(&token)?;
    context.services.metrics.token_issued(context.tenant_id(), TokenKind::RefreshToken);
    Ok(Some(sealed))
}

fn json(claims: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(claims).expect("claims serialise to memory")
}

/// An ID token as an unsecured JWT (RFC 7519 §6).
fn unsigned_id_token(context: AccountContext<'_>, claims: &Claims) -> String {
    context.services.metrics.token_issued(context.tenant_id(), TokenKind::IdToken);
    let claims = json(claims);
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    format!("{header}.{}.", URL_SAFE_NO_PAD.encode(claims))
}
