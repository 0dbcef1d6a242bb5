//! Subjects, refresh, assurance, and the place on the sign-in page.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{
        EnumSpec,
        rules::{self, provider},
    },
    model::{RefreshMode, SubjectStrategy, UnavailablePolicy},
};

/// How the claim `sub` of a person is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubjectSpec {
    /// The provider's claim that identifies a person for good. Default: `sub`, `id` at GitHub. E-mail
    /// addresses and usernames are refused, because they can pass to another person. With the strategy
    /// `Dex`, `uid`, `cn`, `dn` and `sAMAccountName` of a directory are accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub claim: Option<String>,
    /// `Computed` (default): a UUID of tenant, `identityKey`, claim and value. `Upstream`: the value
    /// itself; one such provider a tenant. `Dex`: as Dex would make it, to move from Dex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<EnumSpec<SubjectStrategy>>,
    /// The id of Dex's connector, for the strategy `Dex`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub connector_id: Option<String>,
}

/// When the provider is asked again about a person who is signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefreshSpec {
    /// `Upstream`: at an authorization or token refresh, when the last answer is older than `interval`.
    /// An OpenID provider is asked with its refresh token, GitHub with its access token; if it refuses
    /// that, the session here ends. A directory is asked with its search account. `Disabled`: claims stay as they
    /// were at sign-in. Default: `Upstream` with the types `LDAP` and `GitHub`, `Disabled` with `OIDC`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<EnumSpec<RefreshMode>>,
    /// Age from which claims are refreshed. Default: 15m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1m", "24h"))]
    pub interval: Option<String>,
    /// The rule while the provider does not answer: `KeepFor` (default): stored claims are accepted for
    /// `keepFor`, then the person is refused. `Refuse`: the person is refused at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<EnumSpec<UnavailablePolicy>>,
    /// How long stored claims are accepted while the provider does not answer, at least `interval`. Default: 4h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1m", "720h"))]
    pub keep_for: Option<String>,
}

/// An assurance of an OpenID provider that is accepted here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssuranceSpec {
    /// The provider's `acr` for which the methods in `amr` are accepted. Absent: those of them that the
    /// provider's `amr` has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub acr: Option<String>,
    /// Methods (RFC 8176) that are accepted.
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 64)))]
    pub amr: Vec<String>,
}

/// The place of a provider on the sign-in page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderSignInSpec {
    /// Buttons are sorted by this number, then by name. Default: 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub order: Option<u32>,
    /// Domains of e-mail addresses whose owners are sent to this provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    #[x_kube(validation = provider::domains())]
    pub domains: Vec<String>,
    /// Whether the page omits the button of the provider, which is still reached by its domains and by the
    /// parameter `identity_provider`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
}
