//! Signing for a request's tenant.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{App, Failure, Request};
use crate::{
    keys::{JwtType, SigningKey},
    model::{Client, IdTokenAlgorithm, SigningAlgorithm, Timestamp},
    protocol::claims::{Claims, left_half_hash},
    registry::ServedTenant,
};

/// The key that signs for the request's tenant.
pub(super) fn signing_key(request: &Request) -> Result<&Arc<SigningKey>, Failure> {
    let key = request.tenant.signing_key(request.now);
    key.ok_or_else(|| Failure::Unavailable("the tenant has no key".to_owned()))
}

/// The key that signs with an algorithm.
pub(super) fn key_of(
    request: &Request,
    algorithm: SigningAlgorithm,
) -> Result<&Arc<SigningKey>, Failure> {
    let key = request.tenant.signing_key_of(algorithm, request.now);
    key.ok_or_else(|| Failure::Unavailable(format!("the tenant has no {algorithm} key")))
}

/// Signs claims with the tenant's first algorithm.
pub(super) async fn sign(
    app: &App,
    request: &Request,
    typ: JwtType,
    claims: &Claims,
) -> Result<String, Failure> {
    sign_with(app, signing_key(request)?, typ, claims).await
}

/// Signs claims.
pub(super) async fn sign_with(
    app: &App,
    key: &Arc<SigningKey>,
    typ: JwtType,
    claims: &Claims,
) -> Result<String, Failure> {
    let claims = serde_json::to_vec(claims).expect("claims serialise to memory");
    Ok(app.signer.sign(key, typ, claims).await?)
}

/// What a client's ID tokens are signed with: a key, or nothing where it registered for that.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdTokenKey<'a>(Option<&'a Arc<SigningKey>>);

impl<'a> IdTokenKey<'a> {
    /// By the client's `id_token_signed_response_alg`, or the tenant's first.
    pub(super) fn of(request: &'a Request, client: &Client) -> Result<Self, Failure> {
        match client.id_token_signed_response_alg {
            None => signing_key(request).map(|key| Self(Some(key))),
            Some(IdTokenAlgorithm::Signed(algorithm)) => {
                key_of(request, algorithm).map(|key| Self(Some(key)))
            }
            Some(IdTokenAlgorithm::None) => Ok(Self(None)),
        }
    }

    /// `at_hash` or `c_hash`; where nothing is signed there is no hash to go by.
    pub(super) fn hash(self, text: &str) -> Option<String> {
        self.0.map(|key| left_half_hash(key.algorithm, text))
    }

    /// The ID token.
    pub(super) async fn sign(self, app: &App, claims: &Claims) -> Result<String, Failure> {
        let Some(key) = self.0 else { return Ok(unsigned(claims)) };
        sign_with(app, key, JwtType::IdToken, claims).await
    }
}

/// What a client's logout tokens are signed with: what its ID tokens are, but always something
/// (OIDC Back-Channel Logout §2.4).
pub(super) fn logout_key<'a>(
    tenant: &'a ServedTenant,
    client: &Client,
    now: Timestamp,
) -> Option<&'a Arc<SigningKey>> {
    match client.id_token_signed_response_alg {
        Some(IdTokenAlgorithm::Signed(algorithm)) => tenant.signing_key_of(algorithm, now),
        Some(IdTokenAlgorithm::None) | None => tenant.signing_key(now),
    }
}

/// An unsecured JWT (RFC 7519 §6).
fn unsigned(claims: &Claims) -> String {
    let claims = serde_json::to_vec(claims).expect("claims serialise to memory");
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    format!("{header}.{}.", URL_SAFE_NO_PAD.encode(claims))
}
