//! GitHub as a source of people.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{
        EnumSpec, SecretKeyRef,
        rules::{self, provider},
    },
    model::{GitHubOrganizationPolicy, GitHubTeamNames},
};

/// GitHub or GitHub Enterprise Server, and this tenant as its OAuth app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitHubProviderSpec {
    /// Host of GitHub Enterprise Server. Default: `github.com`. Immutable unless `identityKey` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = provider::host())]
    pub host: Option<String>,
    /// The client id of the OAuth app.
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = rules::visible())]
    pub client_id: String,
    /// The Secret with the client secret. Default key: `client-secret`.
    pub client_secret_ref: SecretKeyRef,
    /// The Secret with the PEM certificates of authorities that verify the provider's servers, in addition to
    /// those that the installation trusts. Default key: `ca.crt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_ref: Option<SecretKeyRef>,
    /// The organizations whose members may sign in. Default: none is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organizations: Option<GitHubOrganizationsSpec>,
    /// How teams become groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<GitHubGroupsSpec>,
}

/// The organizations that are read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitHubOrganizationsSpec {
    /// `Listed` (default): a person must be an active member of one of `names`, and only their teams
    /// become groups. `Any`: membership is not required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<EnumSpec<GitHubOrganizationPolicy>>,
    /// Names (logins) of organizations. Case is ignored. Required with `Listed`, refused with `Any`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 64)))]
    pub names: Vec<String>,
}

/// How teams become groups: `<organization>:<team>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitHubGroupsSpec {
    /// `Slug` (default): the team's name in URLs. `Name`: its name as displayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teams: Option<EnumSpec<GitHubTeamNames>>,
    /// Whether the teams that contain a person's teams are groups too, at any depth. At most 50 of them are
    /// asked for; a person with more is refused. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parents: Option<bool>,
}
