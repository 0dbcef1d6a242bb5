//! The `Tenant` resource: one issuer.

mod branding;
mod client_bounds;
mod client_documents;
mod mail;
mod summary;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use branding::{BrandingLinkSpec, BrandingSpec, DarkColorsSpec, FontSpec, LocalizedTextSpec};
pub use client_bounds::ClientBoundsSpec;
pub use client_documents::ClientDocumentsSpec;
pub use mail::{MailCredentialsSecretRef, MailSpec};
pub use summary::{TenantFacts, TenantSummary};

use super::{
    AccessSpec, AuthenticatorsSpec, EnumSpec, MessageSigningSpec, rules,
    signing::SigningSpec,
    tenant_protocol::{AcrLevelSpec, RegistrationSpec, RequestObjectsSpec},
};
use crate::model::{AccessTokenType, IdTokenClaimsPolicy, RefreshTokenRotation, SecurityProfile};

/// A Tenant is one OpenID Connect issuer: its URL, its signing keys, the lifetimes of its tokens,
/// and the clients that it admits. Every field has a default, so `spec: {}` is a valid Tenant.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "lanyard.dev",
    version = "v1alpha1",
    kind = "Tenant",
    doc = "A Tenant is one OpenID Connect issuer.",
    validation = rules::name(),
    namespaced,
    category = "lanyard",
    shortname = "oidct",
    status = "TenantStatus",
    printcolumn = r#"{"name":"Issuer","type":"string","jsonPath":".status.issuer"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Next-Rotation","type":"string","priority":1,"jsonPath":".status.nextRotation"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::tenant::rs256_is_listed(), validation = rules::message_signing_only_with_its_profile())]
pub struct TenantSpec {
    /// The issuer URL in canonical form: https, lower-case host, no trailing slash, query or
    /// fragment. With http only on loopback hosts such as localhost, and where the installation's
    /// `insecureHttpHosts` allow it. Default: the installation's base URL followed by
    /// `/<namespace>/<name>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::tenant::issuer_is_web_url())]
    #[x_kube(validation = rules::tenant::issuer_has_host_and_path_only())]
    #[x_kube(validation = rules::tenant::issuer_is_canonical())]
    #[x_kube(validation = rules::tenant::issuer_path_is_plain())]
    #[x_kube(validation = rules::tenant::issuer_is_not_an_endpoint())]
    pub issuer: Option<String>,
    /// Name of the tenant on the sign-in pages. Default: the object's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = rules::visible())]
    pub display_name: Option<String>,
    /// The organization behind the tenant, for the claims `tenant_name` and `tenant_sub` (scope
    /// `tenant`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<OrganizationSpec>,
    /// A security profile of FAPI 2.0 for all clients: `Fapi2Security` or `Fapi2MessageSigning`. Clients and fields that
    /// contradict it are refused. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<EnumSpec<SecurityProfile>>,
    /// Messages that must be signed with the profile `Fapi2MessageSigning`. Default: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_signing: Option<MessageSigningSpec>,
    /// Algorithms, rotation and origin of the signing keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing: Option<SigningSpec>,
    /// Lifetimes of codes, tokens and sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetimes: Option<TenantLifetimes>,
    /// Custom scopes, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64))]
    #[x_kube(validation = rules::tenant::no_standard_scopes())]
    pub scopes: BTreeMap<String, CustomScopeSpec>,
    /// Limits for clients from other namespaces and for clients created by dynamic registration.
    /// Clients declared in this tenant's namespace are not limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<ClientBoundsSpec>,
    /// The people who may use the tenant's clients. Default: all. A client can only narrow it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessSpec>,
    /// Appearance of the pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branding: Option<BrandingSpec>,
    /// The levels of assurance (`acr`) that a sign-in can reach at this tenant, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["value"]))]
    pub acr_levels: Vec<AcrLevelSpec>,
    /// The authenticators that people may enrol: by an invitation, or on their account page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authenticators: Option<AuthenticatorsSpec>,
    /// The mail server by which people get invitations, password reset links, and notices of changes.
    /// Absent: no mail is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailSpec>,
    /// The ways in which clients may send request objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_objects: Option<RequestObjectsSpec>,
    /// `Always` (default): every use of a refresh token returns a new one. `PublicClients`: only
    /// clients without a secret get a new one. Clients may override it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_rotation: Option<EnumSpec<RefreshTokenRotation>>,
    /// Claims about the user in ID tokens. `Scopes` (default): the claims of the granted scopes.
    /// `Minimal`: applications read them from the userinfo endpoint, and an ID token has only those
    /// that were requested by name, unless no access token is issued. Clients may override it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_claims: Option<EnumSpec<IdTokenClaimsPolicy>>,
    /// Type of access tokens, the header `typ`. `at+jwt` (default): the type that RFC 9068
    /// requires. `JWT`: for resource servers that refuse `at+jwt`. Clients may override it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_type: Option<EnumSpec<AccessTokenType>>,
    /// Whether authorization requests of all clients must use PKCE (`code_challenge_method=S256`).
    /// Default: `false`; public clients must use it in any case. Clients in the tenant's namespace
    /// may override it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_pkce: Option<bool>,
    /// Whether all clients must push their authorization requests (RFC 9126). Default: `false`; a client
    /// may require it for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_pushed_authorization_requests: Option<bool>,
    /// How long a refresh token that was replaced by a new one is still answered, with a new access
    /// token and the current refresh token: answers get lost, and applications send requests at the
    /// same time. Any later use revokes the grant. From `0s` to `5m`. Default: `30s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("0s", "5m"))]
    pub refresh_token_reuse_window: Option<String>,
    /// Dynamic client registration over HTTP. Default: disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<RegistrationSpec>,
    /// Clients whose `client_id` is the URL of a document with their metadata. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id_metadata_documents: Option<ClientDocumentsSpec>,
}

/// The organization behind a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationSpec {
    /// The claim `tenant_name`. Default: the tenant's display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub name: Option<String>,
    /// The claim `tenant_sub`. Default: `<namespace>/<name>` of the tenant. It must not be the default
    /// of another tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub id: Option<String>,
}

/// Lifetimes, as durations such as `90s`, `10m` or `1h30m`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::not_longer("refreshTokenIdle", "refreshTokenAbsolute"))]
#[x_kube(validation = rules::not_longer("sessionIdle", "sessionAbsolute"))]
pub struct TenantLifetimes {
    /// Lifetime of authorization codes, at most `60s`. Default: `60s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "60s"))]
    pub code: Option<String>,
    /// Lifetime of access tokens. Default: `10m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "24h"))]
    pub access_token: Option<String>,
    /// Lifetime of ID tokens. Default: `1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "24h"))]
    pub id_token: Option<String>,
    /// Time after which an unused refresh token expires. Default: `720h` (30 days).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "8784h"))]
    pub refresh_token_idle: Option<String>,
    /// Maximum lifetime of a grant, regardless of how often it is refreshed. Default: `2160h` (90
    /// days).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "8784h"))]
    pub refresh_token_absolute: Option<String>,
    /// Time after which an unused session expires. Default: `12h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "8784h"))]
    pub session_idle: Option<String>,
    /// Maximum lifetime of a session, regardless of use. Default: `168h` (7 days).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "8784h"))]
    pub session_absolute: Option<String>,
}

/// A custom scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomScopeSpec {
    /// Text for the consent page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub description: Option<String>,
    /// Names of the user's claims that this scope grants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 128)))]
    pub claims: Vec<String>,
}

/// The observed state of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantStatus {
    /// The generation of the spec that the conditions describe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The issuer URL in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The address that stands for the issuer inside the cluster: applications reach discovery, token,
    /// JWKS, userinfo, introspection and revocation there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_url: Option<String>,
    /// The keys in the tenant's JWK Set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub signing_keys: Vec<SigningKeyStatus>,
    /// When the next signing key starts to sign (RFC 3339). It is in the JWK Set before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_rotation: Option<String>,
    /// Fingerprint of the salt of pairwise subjects. The salt must never change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairwise_salt_fingerprint: Option<String>,
    /// Conditions: Accepted, ResolvedRefs, KeysReady, Programmed, Ready; Stalled while only an edit
    /// of the object can help.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::condition_schema::conditions_schema")]
    pub conditions: Vec<Condition>,
}

/// A key in the tenant's JWK Set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SigningKeyStatus {
    /// The key ID (`kid`) in the JWK Set and in token headers.
    pub key_id: String,
    /// Algorithm of the key.
    pub algorithm: String,
    /// `Published` (does not sign yet), `Signing` or `Retired` (only verifies).
    pub state: String,
    /// When the key starts to sign (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signs_from: Option<String>,
    /// When the key is removed from the JWK Set (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retire_at: Option<String>,
}
