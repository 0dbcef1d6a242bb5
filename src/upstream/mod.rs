//! Asks identity providers about people, by OpenID Connect, GitHub's API and LDAP. URLs are called through `fetch`,
//! which limits size, time and addresses. Directories are called at addresses that the same policy allows.
//!
//! Must not: store anything, or decide what a person may do.

mod error;
mod github;
mod github_api;
mod github_teams;
pub mod ldap;
mod oidc;
mod probe;
mod provider_keys;
mod userinfo;

pub use error::UpstreamError;
pub use github::{
    github_authorization_url, github_claims, redeem_github_code, refresh_github_tokens,
};
pub use oidc::{CodeExchange, UpstreamClient};
pub use probe::NetworkProbe;

use crate::{
    model::Timestamp,
    protocol::{identity_provider::UpstreamClaims, upstream::UpstreamTokens},
};

/// The answer of a provider about a person who has signed in there.
#[derive(Clone, Debug)]
pub struct UpstreamAnswer {
    /// The claims of the ID token and of userinfo; at GitHub those of its API.
    pub claims: UpstreamClaims,
    /// The time of the sign-in at the provider (`auth_time`); `None` if the provider does not say.
    pub auth_time: Option<Timestamp>,
    /// `acr` of the ID token; `None` if it has none.
    pub acr: Option<String>,
    /// `amr` of the ID token; empty if it has none.
    pub amr: Vec<String>,
    /// `sid` of the ID token, the provider's ID of its session; `None` if it has none.
    pub sid: Option<String>,
    /// The tokens of the response. The ID token was verified.
    pub tokens: UpstreamTokens,
}
