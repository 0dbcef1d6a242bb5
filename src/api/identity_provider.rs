//! The `IdentityProvider` resource: where people of a tenant come from.

mod github;
mod ldap;
mod mapping;
mod oidc;
mod sign_in;
mod status;
mod summary;

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

pub use github::{GitHubGroupsSpec, GitHubOrganizationsSpec, GitHubProviderSpec};
pub use ldap::{LdapBindSecretRef, LdapGroupsSpec, LdapProviderSpec, LdapUsersSpec};
pub use mapping::{
    ClaimMappingsSpec, ClaimValidationRuleSpec, EmailMappingSpec, ExampleSpec, ExtraMappingSpec,
    GroupsMappingSpec, TextMappingSpec, UserValidationRuleSpec, ValueMappingSpec,
};
pub use oidc::{LocalClientRef, OidcProviderSpec};
pub use sign_in::{AssuranceSpec, ProviderSignInSpec, RefreshSpec, SubjectSpec};
pub use status::IdentityProviderStatus;
pub use summary::{ProviderLinkSummary, ProviderLinkTarget, ProviderSummary};

use super::{
    EnumSpec, LocalTenantRef, SecretKeyRef,
    rules::{self, provider},
};
use crate::model::{AdmissionPolicy, LogoutScope, ProviderType};

/// An `IdentityProvider` is a source of people who sign in at one Tenant: a company's OpenID
/// provider, GitHub, or a directory. It lives in the Tenant's namespace, because its author can be
/// anyone there.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "lanyard.dev",
    version = "v1alpha1",
    kind = "IdentityProvider",
    doc = "An IdentityProvider is a source of people who sign in at one Tenant.",
    validation = rules::name(),
    namespaced,
    category = "lanyard",
    shortname = "oidcp",
    status = "IdentityProviderStatus",
    printcolumn = r#"{"name":"Tenant","type":"string","jsonPath":".spec.tenantRef.name"}"#,
    printcolumn = r#"{"name":"Type","type":"string","jsonPath":".spec.type"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Reachable","type":"string","jsonPath":".status.conditions[?(@.type==\"Reachable\")].status"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::immutable("tenantRef", "delete the object and create another"))]
#[x_kube(validation = rules::immutable("type", "delete the object and create another"))]
#[x_kube(validation = rules::immutable_optional("identityKey", "delete the object and create another; its people would become other people"))]
#[x_kube(validation = rules::immutable_optional("subject", "delete the object and create another; its people would become other people"))]
#[x_kube(validation = provider::issuer_is_stable())]
#[x_kube(validation = provider::one_member())]
#[x_kube(validation = provider::logout_of_openid_providers())]
pub struct IdentityProviderSpec {
    /// The Tenant whose people come from here. It must be in this object's namespace. Immutable.
    pub tenant_ref: LocalTenantRef,
    /// The protocol, which names the one member that is set: `OIDC` (`oidc`), `GitHub` (`github`) or
    /// `LDAP` (`ldap`). Immutable.
    #[serde(rename = "type")]
    pub provider_type: EnumSpec<ProviderType>,
    /// Name of the provider on the sign-in page. Default: the object's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = rules::visible())]
    pub display_name: Option<String>,
    /// An OpenID provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oidc: Option<OidcProviderSpec>,
    /// GitHub, or GitHub Enterprise Server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub github: Option<GitHubProviderSpec>,
    /// An LDAP directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ldap: Option<LdapProviderSpec>,
    /// The name under which subjects are computed. It must stay the same while the same people come
    /// from here, whatever URL the provider has. Immutable. Default: `oidc.issuer` (that of the
    /// tenant with `oidc.clientRef`, that of the person's directory with `{tenantid}`), `github.host`,
    /// or the name of this object where it has `ldap`. With an issuer that has `{tenantid}` it must have
    /// it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = provider::identity_key())]
    pub identity_key: Option<String>,
    /// How the claim `sub` of a person is made. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<SubjectSpec>,
    /// Where username, e-mail address, groups and other claims come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_mappings: Option<ClaimMappingsSpec>,
    /// Domains of the e-mail addresses that this provider vouches for. An address of another domain
    /// is never verified. Absent: every domain. Required where the tenant has an older source of
    /// people, unless this one gives no e-mail address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    #[x_kube(validation = provider::domains())]
    pub email_domains: Vec<String>,
    /// Requirements on the claims as they come from the provider. All must be met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub claim_validation_rules: Vec<ClaimValidationRuleSpec>,
    /// Requirements on the person that the claims become. All must be met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub user_validation_rules: Vec<UserValidationRuleSpec>,
    /// Claims as the provider would send them, with what has to become of them. An example that
    /// fails makes the object `Accepted=False`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub examples: Vec<ExampleSpec>,
    /// The people who may sign in: `Everyone` whom the provider authenticates; `ByRules`: those who
    /// meet the rules, of which there must be one; `Declared`: those whom an OidcUser names in its
    /// `identities`.
    pub admit: EnumSpec<AdmissionPolicy>,
    /// When the provider is asked again about a person who is signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<RefreshSpec>,
    /// The provider's own assurances that are accepted here. Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub assurance: Vec<AssuranceSpec>,
    /// Where a person who came from here and signs out is signed out. `Local` (default): at this Tenant
    /// and its applications. `Upstream`, with the type `OIDC`: at the provider too; the browser is sent
    /// to its `end_session_endpoint`, and returns. Register `status.postLogoutRedirectUri` there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logout: Option<EnumSpec<LogoutScope>>,
    /// The place of the provider on the sign-in page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<ProviderSignInSpec>,
}

impl IdentityProviderSpec {
    /// The reference to the certificates that verify its servers, with its field.
    pub fn ca_ref(&self) -> Option<(&'static str, &SecretKeyRef)> {
        let oidc = self.oidc.as_ref().and_then(|oidc| oidc.ca_ref.as_ref());
        let github = self.github.as_ref().and_then(|github| github.ca_ref.as_ref());
        let ldap = self.ldap.as_ref().and_then(|ldap| ldap.ca_ref.as_ref());
        let references =
            [("spec.oidc.caRef", oidc), ("spec.github.caRef", github), ("spec.ldap.caRef", ldap)];
        references.into_iter().find_map(|(field, reference)| Some((field, reference?)))
    }
}
