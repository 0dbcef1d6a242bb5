//! Registered metadata that most clients do without.

use std::sync::{Arc, LazyLock};

/// What a client says of itself beyond its flows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientDetails {
    /// Shown where people decide.
    pub client_uri: Option<String>,
    /// Shown where people decide.
    pub logo_uri: Option<String>,
    /// Shown where people decide.
    pub policy_uri: Option<String>,
    /// Shown where people decide.
    pub tos_uri: Option<String>,
    /// Addresses of the people responsible for it.
    pub contacts: Vec<String>,
    /// Its public keys by reference (OIDC Registration §2).
    pub jwks_uri: Option<String>,
    /// The document that names every redirect URI of its sector (OIDC Registration §5).
    pub sector_identifier_uri: Option<String>,
    /// `acr_values` of requests that name none (OIDC Registration §2).
    pub default_acr_values: Vec<String>,
    /// Where others may begin a sign-in (OIDC Core §4).
    pub initiate_login_uri: Option<String>,
    /// Where its request objects may lie (OIDC Registration §2).
    pub request_uris: Vec<String>,
    /// Where logout tokens go (OIDC Back-Channel Logout §2.2).
    pub backchannel_logout_uri: Option<String>,
    /// Whether a logout token must name the session.
    pub backchannel_logout_session_required: bool,
    /// What the signed-out page loads in a frame (OIDC Front-Channel Logout §2).
    pub frontchannel_logout_uri: Option<String>,
    /// Whether that address gets `iss` and `sid`.
    pub frontchannel_logout_session_required: bool,
    /// Which software it is (RFC 7591 §2).
    pub software_id: Option<String>,
    /// And which version of it.
    pub software_version: Option<String>,
}

impl ClientDetails {
    /// The same, in the one copy that all share who say nothing.
    pub fn shared(self) -> Arc<Self> {
        static NOTHING: LazyLock<Arc<ClientDetails>> = LazyLock::new(Arc::default);
        if self == **NOTHING { Arc::clone(&NOTHING) } else { Arc::new(self) }
    }
}
