//! An OpenID provider as a source of people.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{
        EnumSpec, SecretKeyRef,
        rules::{self, provider},
    },
    model::{AccountSelection, ClientAssertionAudience, SigningAlgorithm, UserinfoUse},
};

/// An OpenID provider, and this tenant as its client. Either `issuer` and `clientId`, or `clientRef`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = provider::client_once())]
#[x_kube(validation = provider::credentials_once())]
#[x_kube(validation = provider::issuer_template())]
pub struct OidcProviderSpec {
    /// The issuer URL, exactly as the provider's discovery document has it. Immutable unless
    /// `identityKey` is set. `{tenantid}` stands for one of `tenantIds` at Microsoft Entra:
    /// `https://login.microsoftonline.com/{tenantid}/v2.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::web_url())]
    pub issuer: Option<String>,
    /// The directories of Microsoft Entra whose people may sign in, by their ids. They are required with
    /// an `issuer` that has `{tenantid}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 36, max = 36)))]
    #[x_kube(validation = provider::tenant_ids())]
    pub tenant_ids: Vec<String>,
    /// The client id that the provider has given to this tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::visible())]
    pub client_id: Option<String>,
    /// An OidcClient of this namespace whose tenant is the provider. Issuer, client id and credentials
    /// come from there, and the provider's redirect URI is registered there without being listed.
    /// Immutable unless `identityKey` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ref: Option<LocalClientRef>,
    /// The Secret with the client secret. Default key: `client-secret`. Absent, and without
    /// `privateKeyJwt`: a public client, which is bound by PKCE alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_ref: Option<SecretKeyRef>,
    /// Authentication by `private_key_jwt` (RFC 7523) with the tenant's own signing keys, instead of a
    /// client secret. Register the tenant's `jwks_uri` at the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key_jwt: Option<PrivateKeyJwtSpec>,
    /// The Secret with the PEM certificates of authorities that verify the provider's servers, in addition to
    /// those that the installation trusts. Default key: `ca.crt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_ref: Option<SecretKeyRef>,
    /// Scopes to request. Default: `openid profile email`, and `groups` or `offline_access` where the
    /// provider offers them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 128)))]
    #[x_kube(validation = rules::scopes())]
    pub scopes: Vec<String>,
    /// Further parameters of the request that sends a browser to the provider, such as `access_type` and
    /// `hd` of Google, or `domain_hint` of Microsoft Entra. They do not restrict who signs in, because a browser can
    /// leave them out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub authorization_parameters: Vec<AuthorizationParameterSpec>,
    /// Whether the userinfo endpoint is asked: `IfNeeded` (default; if a claim that mappings or
    /// rules read is not in the ID token), `Always` or `Never`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo: Option<EnumSpec<UserinfoUse>>,
    /// The `prompt` of a request in which the person is to choose another account: `SelectAccount`
    /// (default) sends `select_account`, or `login` if the provider's `prompt_values_supported` lack it. `Login`
    /// sends `login`, for providers that refuse the other value without saying so, such as GitLab.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_selection: Option<EnumSpec<AccountSelection>>,
}

/// A parameter of the authorization request to the provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = provider::authorization_parameter_value())]
pub struct AuthorizationParameterSpec {
    /// Name of the parameter. Parameters that Lanyard sets itself are refused. A `prompt` is added to one that an
    /// application asks for.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = provider::authorization_parameter())]
    pub name: String,
    /// Value of the parameter.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::visible())]
    pub value: String,
}

/// Assertions that are signed with the tenant's keys. `{}` is enough for most providers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrivateKeyJwtSpec {
    /// Signing algorithm, one of the tenant's `signing.algorithms`. Default: the tenant's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<EnumSpec<SigningAlgorithm>>,
    /// The claim `aud`: the URL of the provider's `TokenEndpoint` (default), or its `Issuer`, which some
    /// providers require.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<EnumSpec<ClientAssertionAudience>>,
}

/// Reference to an OidcClient in this object's namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalClientRef {
    /// Name of the OidcClient.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::object_name())]
    pub name: String,
}
