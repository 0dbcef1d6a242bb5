//! The published keys of OpenID providers, and the signatures that they verify.

use super::UpstreamError;
use crate::{
    fetch::SharedFetch,
    keys::{JwsError, PublicKeys},
    model::{JwsAlgorithm, Timestamp},
    protocol::{
        identity_provider::{IdentityProvider, OidcUpstream},
        upstream::UpstreamMetadata,
    },
    remote::JwksCache,
};

/// A token whose signature is to be checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct SignedToken<'a> {
    pub(super) jwt: &'a str,
    pub(super) issuer: &'a str,
    pub(super) algorithm: JwsAlgorithm,
    pub(super) kid: Option<&'a str>,
}

/// The keys of providers, which are fetched when they are needed.
#[derive(Debug, Default)]
pub(super) struct ProviderKeys(JwksCache);

impl ProviderKeys {
    /// Checks the signature of a token with the provider's keys.
    pub(super) async fn check_signature(
        &self,
        fetch: &SharedFetch,
        (metadata, (provider, oidc)): (&UpstreamMetadata, (&IdentityProvider, &OidcUpstream)),
        SignedToken { jwt, issuer, algorithm, kid }: SignedToken<'_>,
        now: Timestamp,
    ) -> Result<(), UpstreamError> {
        let verify = |keys: &PublicKeys| {
            keys.verify_by(jwt, (algorithm, kid), |own| oidc.is_key_for(own, issuer))
        };
        let of = (&provider.tenant, metadata.jwks_uri.as_str());
        let keys = self.0.at(fetch, of, now, false).await?;
        match verify(&keys) {
            Ok(()) => Ok(()),
            Err(JwsError::BadSignature | JwsError::TooManyKeys) => Err(UpstreamError::Signature),
            // The provider may have changed its keys.
            Err(JwsError::UnknownKey) => {
                let keys = self.0.at(fetch, of, now, true).await?;
                verify(&keys).map_err(|_| UpstreamError::Signature)
            }
        }
    }
}
