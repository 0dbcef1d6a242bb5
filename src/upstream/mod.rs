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
    /// The claims of ID token and userinfo.
    pub claims: UpstreamClaims,
    /// When the person signed in there.
    pub auth_time: Option<Timestamp>,
    /// `acr` of the sign-in.
    pub acr: Option<String>,
    /// `amr` of the sign-in.
    pub amr: Vec<String>,
    /// The provider's id of its session.
    pub sid: Option<String>,
    /// The tokens.
    pub tokens: UpstreamTokens,
}
