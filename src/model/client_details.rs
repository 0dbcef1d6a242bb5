//! Optional client metadata that most clients do not set.

use std::sync::{Arc, LazyLock};

use super::JwsAlgorithm;

/// Client metadata other than flows and authentication.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientDetails {
    /// Home page, linked on the sign-in and consent pages.
    pub client_uri: Option<String>,
    /// Logo, displayed on the sign-in and consent pages.
    pub logo_uri: Option<String>,
    /// Privacy policy, linked on the sign-in and consent pages.
    pub policy_uri: Option<String>,
    /// Terms of service, linked on the sign-in and consent pages.
    pub tos_uri: Option<String>,
    /// Email addresses of the people responsible for the client.
    pub contacts: Vec<String>,
    /// The URL of the document that lists every redirect URI of its sector (OIDC Registration §5).
    pub sector_identifier_uri: Option<String>,
    /// The `acr_values` of requests that have none (OIDC Registration §2).
    pub default_acr_values: Vec<String>,
    /// The URL where a third party can initiate a login (OIDC Core §4).
    pub initiate_login_uri: Option<String>,
    /// URLs that its request objects may be fetched from (OIDC Registration §2).
    pub request_uris: Vec<String>,
    /// The URL that receives logout tokens (OIDC Back-Channel Logout §2.2).
    pub backchannel_logout_uri: Option<String>,
    /// Whether a logout token must contain `sid`.
    pub backchannel_logout_session_required: bool,
    /// The URL that the signed-out page loads in a frame (OIDC Front-Channel Logout §2).
    pub frontchannel_logout_uri: Option<String>,
    /// Whether that URL gets the parameters `iss` and `sid`.
    pub frontchannel_logout_session_required: bool,
    /// `token_endpoint_auth_signing_alg` as registered (OIDC Registration §2). It applies only to
    /// methods with an assertion ([`AssertionPolicy`](super::AssertionPolicy)).
    pub token_endpoint_auth_signing_alg: Option<JwsAlgorithm>,
    /// The identifier of the client software (RFC 7591 §2).
    pub software_id: Option<String>,
    /// The version of the client software.
    pub software_version: Option<String>,
}

impl ClientDetails {
    /// Returns the shared default instance if no field is set.
    pub fn shared(self) -> Arc<Self> {
        static NOTHING: LazyLock<Arc<ClientDetails>> = LazyLock::new(Arc::default);
        if self == **NOTHING { Arc::clone(&NOTHING) } else { Arc::new(self) }
    }
}
