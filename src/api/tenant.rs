//! `Tenant`: one issuer.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    common::{NamespaceConsent, RefreshTokenRotation},
    rules,
    signing::SigningSpec,
    tenant_protocol::{AcrLevelSpec, RegistrationSpec, RequestObjectsSpec},
};

/// A Tenant is one OpenID Connect issuer: its URL, its signing keys, how long its tokens live,
/// and whose applications it serves. Every field has a default, so `spec: {}` is a tenant.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "lanyard.dev",
    version = "v1alpha1",
    kind = "Tenant",
    doc = "A Tenant is one OpenID Connect issuer.",
    validation = rules::name(),
    namespaced,
    category = "lanyard",
    status = "TenantStatus",
    printcolumn = r#"{"name":"Issuer","type":"string","jsonPath":".status.issuer"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct TenantSpec {
    /// The issuer URL, in its canonical form: https (or http on localhost), lower-case host, no
    /// trailing slash, query or fragment. Default: the installation's base URL followed by
    /// `/<namespace>/<name>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::tenant::issuer_is_secure())]
    #[x_kube(validation = rules::tenant::issuer_has_host_and_path_only())]
    #[x_kube(validation = rules::tenant::issuer_is_canonical())]
    #[x_kube(validation = rules::tenant::issuer_path_is_plain())]
    #[x_kube(validation = rules::tenant::issuer_is_no_endpoint())]
    pub issuer: Option<String>,
    /// What sign-in pages call this tenant. Default: the object's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = rules::visible())]
    pub display_name: Option<String>,
    /// The organisation behind the tenant: source of the claims `tenant_name` and `tenant_sub`,
    /// which applications get with the scope `tenant`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<OrganizationSpec>,
    /// Algorithms, rotation and origin of the signing keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing: Option<SigningSpec>,
    /// How long codes, tokens and sessions live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetimes: Option<TenantLifetimes>,
    /// Scopes of this tenant's own, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64))]
    #[x_kube(validation = rules::tenant::no_standard_scopes())]
    pub scopes: BTreeMap<String, CustomScopeSpec>,
    /// What clients from other namespaces may ask for, and clients that register themselves. Those
    /// declared in this tenant's own namespace are not bound by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<ClientBoundsSpec>,
    /// How pages look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branding: Option<BrandingSpec>,
    /// The levels of assurance (`acr`) that a sign-in can reach here, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["value"]))]
    pub acr_levels: Vec<AcrLevelSpec>,
    /// Which request objects are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_objects: Option<RequestObjectsSpec>,
    /// `Always` (default): each use of a refresh token makes a new one. `PublicClients`: only
    /// clients without a secret get a new one. A client may say otherwise for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_rotation: Option<RefreshTokenRotation>,
    /// Who may register clients over HTTP. Default: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<RegistrationSpec>,
}

/// The organisation behind a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationSpec {
    /// The claim `tenant_name`. Default: the tenant's display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub name: Option<String>,
    /// The claim `tenant_sub`. Default: `<namespace>/<name>` of the tenant.
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
    /// Authorization codes, at most `60s`. Default: `60s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "60s"))]
    pub code: Option<String>,
    /// Access tokens. Default: `10m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "24h"))]
    pub access_token: Option<String>,
    /// ID tokens. Default: `1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "24h"))]
    pub id_token: Option<String>,
    /// A refresh token that is not used. Default: `720h` (30 days).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "8784h"))]
    pub refresh_token_idle: Option<String>,
    /// A grant, however often it is refreshed. Default: `2160h` (90 days).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "8784h"))]
    pub refresh_token_absolute: Option<String>,
    /// A session that is not used. Default: `12h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "8784h"))]
    pub session_idle: Option<String>,
    /// A session, however often it is used. Default: `168h` (7 days).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "8784h"))]
    pub session_absolute: Option<String>,
}

/// A scope of the tenant's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomScopeSpec {
    /// What the consent page says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub description: Option<String>,
    /// Claims of the user that this scope gives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 128)))]
    pub claims: Vec<String>,
}

/// What clients from other namespaces may ask for. An empty list means none. Hosts, scopes and
/// grant types bind clients that register themselves, too; where nothing is said these may have any
/// host, any scope, and every grant type but `client_credentials`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientBoundsSpec {
    /// Which namespaces' clients are admitted. Default: `from: Same`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<NamespaceConsent>,
    /// Hosts (or `*.suffix`) that their redirect URIs may have. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    #[x_kube(validation = rules::tenant::host_patterns())]
    pub redirect_hosts: Option<Vec<String>>,
    /// Scopes they may have. Default: `openid profile email offline_access`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 128)))]
    #[x_kube(validation = rules::scopes())]
    pub scopes: Option<Vec<String>>,
    /// Grant types they may use. Default: `authorization_code refresh_token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub grant_types: Option<Vec<super::client_values::GrantType>>,
    /// `Required`: people are always asked. `Implied`: such a client may say that its people have
    /// agreed. Default: `Required`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<super::client_values::Consent>,
}

/// How pages look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrandingSpec {
    /// An https URL of a logo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::https_url())]
    pub logo_uri: Option<String>,
    /// Colour of buttons and links, as `#rrggbb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 7, max = 7))]
    #[x_kube(validation = rules::tenant::color())]
    pub primary_color: Option<String>,
    /// Colour of the page behind the form, as `#rrggbb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 7, max = 7))]
    #[x_kube(validation = rules::tenant::color())]
    pub background_color: Option<String>,
}

/// What Lanyard says of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantStatus {
    /// The generation of the spec that the conditions speak of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The issuer in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The keys in JWKS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub signing_keys: Vec<SigningKeyStatus>,
    /// Tells the salt of pairwise subjects from any other: it must never change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairwise_salt_fingerprint: Option<String>,
    /// Accepted, ResolvedRefs, KeysReady, Programmed, Ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::condition_schema::conditions")]
    pub conditions: Vec<Condition>,
}

/// One published key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SigningKeyStatus {
    /// `kid` in JWKS and token headers.
    pub key_id: String,
    /// The algorithm.
    pub algorithm: String,
    /// `Published` (does not sign yet), `Signing` or `Retired` (verifies only).
    pub state: String,
    /// When it signs from (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signs_from: Option<String>,
    /// When it leaves JWKS (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retire_at: Option<String>,
}
