//! Issues the tokens of a request's tenant for all endpoints: claims, signature, metrics.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;

use super::{AccountContext, AccountError, AccountServices};
use crate::{
    keys::{JwtType, SignError, SigningKey},
    model::{Client, IdTokenAlgorithm, SigningAlgorithm, Subject, User},
    protocol::{
        claims::{self, AccessToken, Claims, IdToken, left_half_hash},
        records::Grant,
        scope::Scopes,
        subject,
    },
    telemetry::TokenKind,
};

/// The tenant's current signing key.
pub(crate) fn signing_key(context: AccountContext<'_>) -> Result<&Arc<SigningKey>, AccountError> {
    let key = context.tenant.signing_key(context.store_now);
    key.ok_or_else(|| AccountError::NoSigningKey(None))
}

/// The tenant's signing key for an algorithm.
pub(crate) fn key_of(
    context: AccountContext<'_>,
    algorithm: SigningAlgorithm,
) -> Result<&Arc<SigningKey>, AccountError> {
    let key = context.tenant.signing_key_of(algorithm, context.store_now);
    key.ok_or_else(|| AccountError::NoSigningKey(Some(algorithm)))
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
pub(crate) struct IdTokenKey<'a>(Option<&'a Arc<SigningKey>>);

impl<'a> IdTokenKey<'a> {
    /// The key for the client's `id_token_signed_response_alg`, or the tenant's default.
    pub(crate) fn of(context: AccountContext<'a>, client: &Client) -> Result<Self, AccountError> {
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

    /// Signs an ID token.
    async fn sign(
        self,
        context: AccountContext<'_>,
        claims: &Claims,
    ) -> Result<String, AccountError> {
        let Some(key) = self.0 else { return Ok(unsigned(claims)) };
        Ok(sign_with(context.services, key, JwtType::IdToken, claims).await?)
    }
}

/// An access token of a grant or of a client's own (RFC 9068), signed with the tenant's default
/// algorithm.
pub(crate) async fn access_token(
    context: AccountContext<'_>,
    client: &Client,
    scopes: &Scopes,
    grant: Option<(&str, &Grant)>,
) -> Result<String, AccountError> {
    let claims = access_claims(context, client, scopes, grant);
    let token =
        context.services.signer.sign(signing_key(context)?, JwtType::AccessToken, claims).await?;
    context.services.metrics.token_issued(context.tenant_id(), TokenKind::AccessToken);
    Ok(token)
}

/// The claims of an access token, as JSON.
fn access_claims(
    context: AccountContext<'_>,
    client: &Client,
    scopes: &Scopes,
    grant: Option<(&str, &Grant)>,
) -> Vec<u8> {
    let person =
        grant.map(|(_, grant)| subject::subject_for_client(client, &grant.authentication.subject));
    let token = AccessToken {
        tenant: &context.tenant.tenant,
        client,
        subject: person.as_ref().map_or(client.id.as_str(), Subject::as_str),
        scopes,
        grant_id: grant.map(|(id, _)| id),
        jti: &context.services.entropy.id(),
    };
    json(&token.claims(context.now))
}

/// Issues an access token of a grant with its ID token.
pub(crate) async fn access_and_id_token(
    context: AccountContext<'_>,
    client: &Client,
    scopes: &Scopes,
    (grant_id, grant): (&str, &Grant),
    about: IdTokenContext<'_>,
) -> Result<(String, String), AccountError> {
    let named = Some((grant_id, grant));
    let Some(id_key) = IdTokenKey::of(context, client)?.0 else {
        let access_token = access_token(context, client, scopes, named).await?;
        let about = IdTokenContext { access_token: Some(&access_token), ..about };
        let id_token = id_token(context, client, grant, about).await?;
        return Ok((access_token, id_token));
    };
    let claims = access_claims(context, client, scopes, named);
    let first = (signing_key(context)?, JwtType::AccessToken, claims);
    let (mut claims, algorithm) = (id_claims(context, client, grant, about)?, id_key.algorithm);
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

/// The contents of an ID token in addition to its grant's.
#[derive(Clone, Copy)]
pub(crate) struct IdTokenContext<'a> {
    /// The user.
    pub(crate) user: &'a User,
    /// Scopes whose claims the ID token contains, if no access token can fetch them (OIDC Core
    /// §5.4).
    pub(crate) scopes: Option<&'a Scopes>,
    /// The `nonce` of the request.
    pub(crate) nonce: Option<&'a str>,
    /// The access token issued with it.
    pub(crate) access_token: Option<&'a str>,
    /// The code issued with it.
    pub(crate) code: Option<&'a str>,
}

/// An ID token of a grant (OIDC Core §2), with the hashes of the artifacts issued with it
/// (§3.3.2.11).
pub(crate) async fn id_token(
    context: AccountContext<'_>,
    client: &Client,
    grant: &Grant,
    about: IdTokenContext<'_>,
) -> Result<String, AccountError> {
    let claims = id_claims(context, client, grant, about)?;
    let token = IdTokenKey::of(context, client)?.sign(context, &claims).await?;
    context.services.metrics.token_issued(context.tenant_id(), TokenKind::IdToken);
    Ok(token)
}

/// The claims of an ID token.
fn id_claims(
    context: AccountContext<'_>,
    client: &Client,
    grant: &Grant,
    about: IdTokenContext<'_>,
) -> Result<Claims, AccountError> {
    let tenant = &context.tenant.tenant;
    let key = IdTokenKey::of(context, client)?;
    let hash = |text: Option<&str>| text.and_then(|text| key.hash(text));
    let by_scope = |scopes: &Scopes| claims::by_scope(tenant, about.user, scopes);
    let mut person = about.scopes.map(by_scope).unwrap_or_default();
    person.extend(claims::by_name(tenant, client, about.user, &grant.claims.id_token));
    let (at_hash, c_hash) = (hash(about.access_token), hash(about.code));
    let token = IdToken {
        tenant,
        client,
        authentication: &grant.authentication,
        acr: grant.acr.as_deref(),
        with_auth_time: grant.wants_auth_time,
        sid: grant.sid.as_deref(),
        nonce: about.nonce,
        at_hash: at_hash.as_deref(),
        c_hash: c_hash.as_deref(),
        person,
    };
    Ok(token.claims(context.now))
}

fn json(claims: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(claims).expect("claims serialise to memory")
}

/// An unsecured JWT (RFC 7519 §6).
fn unsigned(claims: &Claims) -> String {
    let claims = json(claims);
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    format!("{header}.{}.", URL_SAFE_NO_PAD.encode(claims))
}
