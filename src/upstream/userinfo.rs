//! The claims about a person: of the ID token, and of userinfo where they are needed.

use super::UpstreamError;
use crate::{
    fetch::{ClientCall, SharedFetch},
    model::{JwsAlgorithm, Secret, UserinfoUse},
    protocol::{
        identity_provider::{IdentityProvider, OidcUpstream, UpstreamClaims},
        upstream::{UpstreamIdToken, UpstreamMetadata, UpstreamTokens},
    },
};

/// Largest userinfo response, in bytes.
const MAX_USERINFO: usize = 256 * 1024;
/// Claims about the ID token itself, which say nothing about the person.
const TOKEN_CLAIMS: [&str; 14] = [
    "aud",
    "azp",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "at_hash",
    "c_hash",
    "auth_time",
    "sid",
    "s_hash",
    "acr",
    "amr",
];

/// The claims about the person, without those about the token.
fn person_claims(claims: &UpstreamClaims) -> UpstreamClaims {
    let about_person = |name: &str| !TOKEN_CLAIMS.contains(&name);
    claims
        .iter()
        .filter(|(name, _)| about_person(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The claims of the ID token, with those of userinfo if they are needed.
pub(super) async fn claims_with_userinfo(
    fetch: &SharedFetch,
    (provider, oidc): (&IdentityProvider, &OidcUpstream),
    metadata: &UpstreamMetadata,
    tokens: &UpstreamTokens,
    id_token: &UpstreamIdToken,
) -> Result<UpstreamClaims, UpstreamError> {
    let lacks =
        || provider.read_claims().into_iter().any(|claim| !id_token.claims.contains_key(claim));
    let asks = match oidc.userinfo {
        UserinfoUse::Never => false,
        UserinfoUse::Always => true,
        UserinfoUse::IfNeeded => metadata.userinfo_endpoint.is_some() && lacks(),
    };
    if !asks {
        return Ok(person_claims(&id_token.claims));
    }
    fetch_userinfo(fetch, metadata, tokens, id_token).await
}

/// The claims of userinfo alone, at a refresh whose answer has no ID token (OIDC Core §12.2). A claim that the
/// person had and userinfo does not have is missing, not withdrawn: the ID token had it.
pub(super) async fn claims_without_id_token(
    fetch: &SharedFetch,
    (provider, oidc): (&IdentityProvider, &OidcUpstream),
    metadata: &UpstreamMetadata,
    (tokens, subject, old): (&UpstreamTokens, &str, &UpstreamClaims),
) -> Result<UpstreamClaims, UpstreamError> {
    if oidc.userinfo == UserinfoUse::Never {
        return Err(UpstreamError::NoRefreshedClaims);
    }
    let expected = UpstreamIdToken {
        algorithm: JwsAlgorithm::None,
        kid: None,
        claims: UpstreamClaims::from_iter([("sub".to_owned(), subject.into())]),
    };
    let claims = fetch_userinfo(fetch, metadata, tokens, &expected).await?;
    let is_missing = |name: &&str| old.contains_key(*name) && !claims.contains_key(*name);
    match provider.read_claims().into_iter().find(is_missing) {
        Some(name) => Err(UpstreamError::NotRefreshed(name.to_owned())),
        None => Ok(claims),
    }
}

/// Asks userinfo (OIDC Core §5.3). The claims of the ID token win, since they are signed.
async fn fetch_userinfo(
    fetch: &SharedFetch,
    metadata: &UpstreamMetadata,
    tokens: &UpstreamTokens,
    id_token: &UpstreamIdToken,
) -> Result<UpstreamClaims, UpstreamError> {
    let bad = UpstreamError::Userinfo;
    let url = metadata.userinfo_endpoint.as_deref().ok_or(bad("has no endpoint"))?;
    let token = tokens.access_token.as_ref().ok_or(bad("needs an access token"))?;
    let authorization = Secret::new(format!("Bearer {}", token.expose()));
    let call = ClientCall {
        url,
        authorization: Some(&authorization),
        accept: "application/json",
        form: None,
    };
    let response = fetch.call(call, MAX_USERINFO).await?;
    if response.status != 200 {
        return Err(UpstreamError::UserinfoStatus(response.status));
    }
    let claims: UpstreamClaims =
        serde_json::from_slice(&response.body).map_err(|_| bad("is not a JSON object"))?;
    // Otherwise it may be about another person (OIDC Core §5.3.2).
    if claims.get("sub") != id_token.claims.get("sub") {
        return Err(bad("is about another person (sub)"));
    }
    let mut merged = person_claims(&claims);
    merged.extend(person_claims(&id_token.claims));
    Ok(merged)
}
