//! How providers are asked: by OpenID Connect, by GitHub's API, or by LDAP.

use std::sync::Arc;

use crate::model::{
    AccountSelection, ClientAssertionAudience, GitHubOrganizationPolicy, GitHubTeamNames,
    LdapSettings, Secret, SecretTransport, SigningAlgorithm, TenantId, UserinfoUse,
};

/// The protocol by which a provider is asked, with its settings.
#[derive(Clone, Debug)]
pub enum ProviderSource {
    /// OpenID Connect.
    Oidc(OidcUpstream),
    /// The API of GitHub or GitHub Enterprise Server.
    GitHub(GitHubUpstream),
    /// LDAP, with the name and the password that the person types on the tenant's own page.
    Ldap(Box<LdapSettings>),
}

/// An OpenID provider, and this tenant as its client.
#[derive(Clone, Debug)]
pub struct OidcUpstream {
    /// The provider's issuer, or a template of issuers with [`TENANT_PLACEHOLDER`](super::TENANT_PLACEHOLDER).
    pub issuer: String,
    /// The directories of the template; empty: the issuer is not a template.
    pub tenant_ids: Vec<String>,
    /// `client_id` of this tenant at the provider.
    pub client_id: String,
    /// How this tenant authenticates at the provider's token endpoint.
    pub credentials: UpstreamCredentials,
    /// The tenant of this installation that is the provider; `None` unless the manifest refers to one of its clients.
    pub linked: Option<TenantId>,
    /// The PEM certificates that verify its servers, besides those that the installation trusts.
    pub certificates: Option<Arc<str>>,
    /// The scopes to request; empty: those that the provider offers of the usual ones.
    pub scopes: Vec<String>,
    /// Further parameters of authorization requests, by name.
    pub authorization_parameters: Vec<(String, String)>,
    /// When the provider's userinfo endpoint is asked.
    pub userinfo: UserinfoUse,
    /// How a person chooses another account there.
    pub account_selection: AccountSelection,
}

/// How a tenant authenticates at an OpenID provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamCredentials {
    /// No credentials: a public client, which is bound by PKCE alone.
    None,
    /// The client authenticates with a client secret (RFC 6749 §2.3.1).
    Secret {
        /// The client secret, from the Secret of the manifest.
        secret: Secret<String>,
        /// The part of the request that contains it; `None`: as the provider's metadata say.
        transport: Option<SecretTransport>,
    },
    /// The client authenticates with an assertion that a key of the tenant signs (RFC 7523 §2.2).
    PrivateKeyJwt {
        /// The signature algorithm; `None`: the first of the tenant's algorithms.
        algorithm: Option<SigningAlgorithm>,
        /// The value of `aud` in the assertion.
        audience: ClientAssertionAudience,
    },
}

/// GitHub or GitHub Enterprise Server.
#[derive(Clone, Debug)]
pub struct GitHubUpstream {
    /// The host of its pages without a scheme, such as `github.com`.
    pub host: String,
    /// The client id of the OAuth app.
    pub client_id: String,
    /// The client secret of the OAuth app.
    pub client_secret: Secret<String>,
    /// The PEM certificates that verify its server, besides those that the installation trusts.
    pub certificates: Option<Arc<str>>,
    /// Whether membership of an organization is required.
    pub organization_policy: GitHubOrganizationPolicy,
    /// The organizations, in lower case.
    pub organizations: Vec<String>,
    /// The name of a team that becomes a group: that in its URL, or the displayed one.
    pub team_names: GitHubTeamNames,
    /// Whether the teams that contain teams are groups too.
    pub team_parents: bool,
}

impl GitHubUpstream {
    /// The URL of its pages, which is used in place of an issuer.
    pub fn issuer(&self) -> String {
        format!("https://{}", self.host)
    }

    /// Returns true if only members of its organizations may sign in.
    pub fn is_restricted(&self) -> bool {
        self.organization_policy == GitHubOrganizationPolicy::Listed
            && !self.organizations.is_empty()
    }
}
