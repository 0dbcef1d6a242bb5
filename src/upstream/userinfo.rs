//! The claims about a person: of the ID token, and of userinfo where they are needed.

use std::collections::BTreeSet;

use super::UpstreamError;
use crate::{
    fetch::{ClientCall, SharedFetch},
    model::{JwsAlgorithm, Secret, UserinfoUse},
    protocol::{
        identity_provider::{IdentityProvider, OidcUpstream, UpstreamClaims, person_claims},
        upstream::{UpstreamIdToken, UpstreamMetadata, UpstreamTokens},
    },
};

/// Largest userinfo response, in bytes.
const MAX_USERINFO: usize = 256 * 1024;
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
    match find_missing(provider.read_claims(), old, &claims) {
        Some(name) => Err(UpstreamError::NotRefreshed(name.to_owned())),
        None => Ok(claims),
    }
}

/// Checks the claims of a refresh with an ID token: the claims that groups come from are missing, not
/// withdrawn, if the person had them. Without groups a provider sends an empty list.
pub(super) fn check_groups(
    provider: &IdentityProvider,
    old: &UpstreamClaims,
    claims: &UpstreamClaims,
) -> Result<(), UpstreamError> {
    match find_missing(provider.mappings.groups.claim_names(), old, claims) {
        Some(name) => Err(UpstreamError::GroupsNotRefreshed(name.to_owned())),
        None => Ok(()),
    }
}

/// A claim among these that the person had, and does not have now.
fn find_missing<'n>(
    names: BTreeSet<&'n str>,
    old: &UpstreamClaims,
    new: &UpstreamClaims,
) -> Option<&'n str> {
    let has =
        |claims: &UpstreamClaims, name: &str| claims.get(name).is_some_and(|it| !it.is_null());
    names.into_iter().find(|name| has(old, name) && !has(new, name))
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
        body: None,
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
