//! The result of validating an identity provider.

use super::ProviderUris;
use crate::{
    api::{EnumSpec, IdentityProviderSpec},
    model::{LogoutScope, ProbeTarget},
};

/// The outcome of an identity provider's validation.
#[derive(Clone, Debug, Default)]
pub struct ProviderOutcome {
    /// The redirect URI to register at the provider.
    pub redirect_uri: Option<String>,
    /// The post-logout redirect URI to register there, if people are signed out there.
    pub post_logout_redirect_uri: Option<String>,
    /// The back-channel logout URI to register there, if it is an OpenID provider.
    pub backchannel_logout_uri: Option<String>,
    /// The provider's issuer, if it is an OpenID provider.
    pub issuer: Option<String>,
    /// The name under which subjects are computed.
    pub identity_key: Option<String>,
    /// The server to probe, if the provider is served, except for a tenant of this installation.
    pub probe: Option<ProbeTarget>,
    /// Whether people can sign in by it.
    pub served: bool,
}

impl ProviderOutcome {
    /// An outcome with the URIs that the type of a provider has.
    pub(super) fn with_uris(spec: &IdentityProviderSpec, uris: Option<ProviderUris>) -> Self {
        let Some(uris) = uris else { return Self::default() };
        let upstream = EnumSpec::Supported(LogoutScope::Upstream);
        let (has_oidc, signs_out) = (spec.oidc.is_some(), spec.logout == Some(upstream));
        Self {
            redirect_uri: Some(uris.redirect),
            post_logout_redirect_uri: (has_oidc && signs_out).then_some(uris.post_logout),
            backchannel_logout_uri: has_oidc.then_some(uris.backchannel_logout),
            ..Self::default()
        }
    }
}
