//! Issues the tokens of a request's tenant for all endpoints: claims, signature, metrics.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;

use super::{AppState, EndpointError, Request};
use crate::{
    keys::{JwtType, SigningKey},
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
pub(super) fn signing_key(request: &Request) -> Result<&Arc<SigningKey>, EndpointError> {
    let key = request.tenant.signing_key(request.store_now);
    key.ok_or_else(|| EndpointError::Unavailable("the tenant has no signing key".to_owned()))
}

/// The tenant's signing key for an algorithm.
pub(super) fn key_of(
    request: &Request,
    algorithm: SigningAlgorithm,
) -> Result<&Arc<SigningKey>, EndpointError> {
    let key = request.tenant.signing_key_of(algorithm, request.store_now);
    key.ok_or_else(|| EndpointError::Unavailable(format!("the tenant has no {algorithm} key")))
}

/// Signs claims.
pub(super) async fn sign_with(
    app: &AppState,
    key: &Arc<SigningKey>,
    typ: JwtType,
    claims: &Claims,
) -> Result<String, EndpointError> {
    Ok(app.signer.sign(key, typ, json(claims)).await?)
}

/// The key of a client's ID tokens; `None` if the client registered `none`.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdTokenKey<'a>(Option<&'a Arc<SigningKey>>);

impl<'a> IdTokenKey<'a> {
    /// The key for the client's `id_token_signed_response_alg`, or the tenant's default.
    pub(super) fn of(request: &'a Request, client: &Client) -> Result<Self, EndpointError> {
        if client.id_token_signed_response_alg == Some(IdTokenAlgorithm::None) {
            return Ok(Self(None));
        }
        let key = request.tenant.signing_key_for(client, request.store_now);
        let absent =
            || EndpointError::Unavailable("the tenant has no key for ID tokens".to_owned());
        key.map(|key| Self(Some(key))).ok_or_else(absent)
    }

    /// The value of `at_hash` or `c_hash`; `None` for unsigned tokens, which have no hash
    /// algorithm.
    fn hash(self, text: &str) -> Option<String> {
        self.0.map(|key| left_half_hash(key.algorithm, text))
    }

    /// Signs an ID token.
    async fn sign(self, app: &AppState, claims: &Claims) -> Result<String, EndpointError> {
        let Some(key) = self.0 else { return Ok(unsigned(claims)) };
        sign_with(app, key, JwtType::IdToken, claims).await
    }
}

/// An access token of a grant or of a client's own (RFC 9068), signed with the tenant's default
/// algorithm.
pub(super) async fn access_token(
    app: &AppState,
    request: &Request,
    client: &Client,
    scopes: &Scopes,
    grant: Option<(&str, &Grant)>,
) -> Result<String, EndpointError> {
    let claims = access_claims(app, request, client, scopes, grant);
    let token = app.signer.sign(signing_key(request)?, JwtType::AccessToken, claims).await?;
    app.metrics.token_issued(&request.tenant.tenant.id, TokenKind::AccessToken);
    Ok(token)
}

/// The claims of an access token, as JSON.
fn access_claims(
    app: &AppState,
    request: &Request,
    client: &Client,
    scopes: &Scopes,
    grant: Option<(&str, &Grant)>,
) -> Vec<u8> {
    let person =
        grant.map(|(_, grant)| subject::subject_for_client(client, &grant.authentication.subject));
    let token = AccessToken {
        tenant: &request.tenant.tenant,
        client,
        subject: person.as_ref().map_or(client.id.as_str(), Subject::as_str),
        scopes,
        grant_id: grant.map(|(id, _)| id),
        jti: &app.entropy.id(),
    };
    json(&token.claims(request.now))
}

/// Issues an access token of a grant with its ID token.
pub(super) async fn access_and_id_token(
    app: &AppState,
    request: &Request,
    client: &Client,
    scopes: &Scopes,
    (grant_id, grant): (&str, &Grant),
    about: IdTokenContext<'_>,
) -> Result<(String, String), EndpointError> {
    let named = Some((grant_id, grant));
    let Some(id_key) = IdTokenKey::of(request, client)?.0 else {
        let access_token = access_token(app, request, client, scopes, named).await?;
        let about = IdTokenContext { access_token: Some(&access_token), ..about };
        let id_token = id_token(app, request, client, grant, about).await?;
        return Ok((access_token, id_token));
    };
    let claims = access_claims(app, request, client, scopes, named);
    let first = (signing_key(request)?, JwtType::AccessToken, claims);
    let (mut claims, algorithm) = (id_claims(request, client, grant, about)?, id_key.algorithm);
    let naming = move |access_token: &str| {
        claims.insert("at_hash".into(), left_half_hash(algorithm, access_token).into());
        json(&claims)
    };
    let signed = app.signer.sign_both(first, (id_key, JwtType::IdToken), naming).await?;
    for kind in [TokenKind::AccessToken, TokenKind::IdToken] {
        app.metrics.token_issued(&request.tenant.tenant.id, kind);
    }
    Ok(signed)
}

/// The contents of an ID token in addition to its grant's.
#[derive(Clone, Copy)]
pub(super) struct IdTokenContext<'a> {
    /// The user.
    pub(super) user: &'a User,
    /// Scopes whose claims the ID token contains, if no access token can fetch them (OIDC Core
    /// §5.4).
    pub(super) scopes: Option<&'a Scopes>,
    /// The `nonce` of the request.
    pub(super) nonce: Option<&'a str>,
    /// The access token issued with it.
    pub(super) access_token: Option<&'a str>,
    /// The code issued with it.
    pub(super) code: Option<&'a str>,
}

/// An ID token of a grant (OIDC Core §2), with the hashes of the artifacts issued with it
/// (§3.3.2.11).
pub(super) async fn id_token(
    app: &AppState,
    request: &Request,
    client: &Client,
    grant: &Grant,
    about: IdTokenContext<'_>,
) -> Result<String, EndpointError> {
    let claims = id_claims(request, client, grant, about)?;
    let token = IdTokenKey::of(request, client)?.sign(app, &claims).await?;
    app.metrics.token_issued(&request.tenant.tenant.id, TokenKind::IdToken);
    Ok(token)
}

/// The claims of an ID token.
fn id_claims(
    request: &Request,
    client: &Client,
    grant: &Grant,
    about: IdTokenContext<'_>,
) -> Result<Claims, EndpointError> {
    let tenant = &request.tenant.tenant;
    let key = IdTokenKey::of(request, client)?;
    let hash = |text: Option<&str>| text.and_then(|text| key.hash(text));
    let by_scope = |scopes: &Scopes| claims::by_scope(tenant, about.user, scopes);
    let mut person = about.scopes.map(by_scope).unwrap_or_default();
    person.extend(claims::by_name(tenant, client, about.user, &grant.claims.id_token));
    let (at_hash, c_hash) = (hash(about.access_token), hash(about.code));
    let token = IdToken {
        tenant,
        client,
        authentication: &grant.authentication,
        with_auth_time: grant.wants_auth_time,
        sid: grant.sid.as_deref(),
        nonce: about.nonce,
        at_hash: at_hash.as_deref(),
        c_hash: c_hash.as_deref(),
        person,
    };
    Ok(token.claims(request.now))
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
