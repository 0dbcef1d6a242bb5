//! The claims about a person: of the ID token, and of userinfo where they are needed.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    UpstreamError,
    provider_keys::{ProviderKeys, SignedToken},
};
use crate::{
    fetch::{CallResponse, ClientCall, SharedFetch},
    model::{Secret, Timestamp, UserinfoUse},
    protocol::{
        identity_provider::{IdentityProvider, OidcUpstream, UpstreamClaims, person_claims},
        upstream::{UpstreamIdToken, UpstreamMetadata, UpstreamTokens, check_signed_userinfo},
    },
};

/// Largest userinfo response, in bytes.
const MAX_USERINFO: usize = 256 * 1024;
/// The type of a signed response (OIDC Core §5.3.2).
const SIGNED: &str = "application/jwt";

/// A provider whose userinfo endpoint is asked with the tokens of a person.
#[derive(Clone, Copy, Debug)]
pub(super) struct UserinfoSource<'a> {
    pub(super) keys: &'a ProviderKeys,
    pub(super) fetch: &'a SharedFetch,
    pub(super) provider: &'a IdentityProvider,
    pub(super) oidc: &'a OidcUpstream,
    pub(super) metadata: &'a UpstreamMetadata,
    pub(super) tokens: &'a UpstreamTokens,
}

impl UserinfoSource<'_> {
    /// The claims of the ID token, with those of userinfo if they are needed.
    pub(super) async fn claims_with_userinfo(
        self,
        id_token: &UpstreamIdToken,
        now: Timestamp,
    ) -> Result<UpstreamClaims, UpstreamError> {
        let lacks = || {
            let mut read = self.provider.read_claims().into_iter();
            read.any(|claim| !id_token.claims.contains_key(claim))
        };
        let asks = match self.oidc.userinfo {
            UserinfoUse::Never => false,
            UserinfoUse::Always => true,
            UserinfoUse::IfNeeded => self.metadata.userinfo_endpoint.is_some() && lacks(),
        };
        if !asks {
            return Ok(person_claims(&id_token.claims));
        }
        let mut claims = self.userinfo_claims(&id_token.claims, now).await?;
        // They are signed.
        claims.extend(person_claims(&id_token.claims));
        Ok(claims)
    }

    /// The claims of userinfo alone, at a refresh whose answer has no ID token (OIDC Core §12.2). A claim that the
    /// person had and userinfo does not have is missing, not withdrawn: the ID token had it.
    pub(super) async fn claims_without_id_token(
        self,
        (subject, old): (&str, &UpstreamClaims),
        now: Timestamp,
    ) -> Result<UpstreamClaims, UpstreamError> {
        if self.oidc.userinfo == UserinfoUse::Never {
            return Err(UpstreamError::NoRefreshedClaims);
        }
        let mut expected = UpstreamClaims::from_iter([("sub".to_owned(), subject.into())]);
        expected.extend(old.get("iss").map(|issuer| ("iss".to_owned(), issuer.clone())));
        let claims = self.userinfo_claims(&expected, now).await?;
        match find_missing(self.provider.read_claims(), old, &claims) {
            Some(name) => Err(UpstreamError::NotRefreshed(name.to_owned())),
            None => Ok(claims),
        }
    }

    /// Asks userinfo (OIDC Core §5.3). `expected`: `sub` and `iss` of the person.
    async fn userinfo_claims(
        self,
        expected: &UpstreamClaims,
        now: Timestamp,
    ) -> Result<UpstreamClaims, UpstreamError> {
        let bad = UpstreamError::Userinfo;
        let response = self.fetch_userinfo().await?;
        let claims = if response.content_type.as_deref() == Some(SIGNED) {
            let issuer = expected.get("iss").and_then(Value::as_str);
            let issuer = issuer.unwrap_or(&self.oidc.issuer);
            self.verified_userinfo((&response.body, issuer), now).await?
        } else {
            serde_json::from_slice(&response.body).map_err(|_| bad("is not a JSON object"))?
        };
        // Otherwise it may be about another person (OIDC Core §5.3.2).
        if claims.get("sub") != expected.get("sub") {
            return Err(bad("is about another person (sub)"));
        }
        Ok(person_claims(&claims))
    }

    /// The response of userinfo with the status 200.
    async fn fetch_userinfo(self) -> Result<CallResponse, UpstreamError> {
        let bad = UpstreamError::Userinfo;
        let url = self.metadata.userinfo_endpoint.as_deref().ok_or(bad("has no endpoint"))?;
        let token = self.tokens.access_token.as_ref().ok_or(bad("needs an access token"))?;
        let authorization = Secret::new(format!("Bearer {}", token.expose()));
        let call = ClientCall {
            url,
            authorization: Some(&authorization),
            accept: "application/json, application/jwt",
            body: None,
        };
        let response = self.fetch.call(call, MAX_USERINFO).await?;
        if response.status != 200 {
            return Err(UpstreamError::UserinfoStatus(response.status));
        }
        Ok(response)
    }

    /// The claims of a signed response (OIDC Core §5.3.2).
    async fn verified_userinfo(
        self,
        (body, issuer): (&[u8], &str),
        now: Timestamp,
    ) -> Result<UpstreamClaims, UpstreamError> {
        let Self { keys, fetch, provider, oidc, metadata, .. } = self;
        let jwt = std::str::from_utf8(body).unwrap_or_default().trim_ascii();
        let checked = check_signed_userinfo(jwt, (metadata, oidc), issuer, now)?;
        let (algorithm, kid) = (checked.algorithm, checked.kid.as_deref());
        let signed = SignedToken { jwt, issuer, algorithm, kid };
        keys.check_signature(fetch, (metadata, (provider, oidc)), signed, now).await?;
        Ok(checked.claims)
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
