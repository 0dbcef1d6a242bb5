//! The URIs of a provider that are registered there.

use crate::model::{Endpoint, Issuer};

/// The URIs of a provider at its tenant, which are registered at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderUris {
    /// The redirect URI (`redirect_uris`).
    pub redirect: String,
    /// The post-logout redirect URI (`post_logout_redirect_uris`).
    pub post_logout: String,
    /// The back-channel logout URI (`backchannel_logout_uri`).
    pub backchannel_logout: String,
}

impl ProviderUris {
    /// The URIs of a provider with this name.
    pub fn of(issuer: &Issuer, provider: &str) -> Self {
        Self {
            redirect: Endpoint::ProviderCallback.url_with(issuer, provider),
            post_logout: Endpoint::LoggedOut.url(issuer),
            backchannel_logout: Endpoint::ProviderLogout.url_with(issuer, provider),
        }
    }
}
