//! The `ResourceServer` resource: an API that access tokens of one tenant are for.

mod summary;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use summary::ResourceServerSummary;

use super::{
    AllowedNamespaces, EnumSpec, LocalTenantRef,
    rules::{self, resource_server},
};
use crate::model::{AccessTokenType, ExchangeMode, SigningAlgorithm, TokenBinding};

/// A ResourceServer is an API that accepts access tokens of one Tenant, declared in the Tenant's namespace.
/// Clients request tokens for it by `resource` (RFC 8707).
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "lanyard.dev",
    version = "v1alpha1",
    kind = "ResourceServer",
    doc = "A ResourceServer is an API that accepts access tokens of one Tenant.",
    validation = rules::name(),
    namespaced,
    category = "lanyard",
    shortname = "oidcr",
    status = "ResourceServerStatus",
    printcolumn = r#"{"name":"Tenant","type":"string","jsonPath":".spec.tenantRef.name"}"#,
    printcolumn = r#"{"name":"Identifier","type":"string","jsonPath":".spec.identifier"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::immutable("tenantRef", "delete the object and create another"))]
pub struct ResourceServerSpec {
    /// The Tenant whose tokens the API accepts. It must be in this object's namespace. Immutable.
    pub tenant_ref: LocalTenantRef,
    /// The absolute URI that clients send as `resource`, and that is `aud` of the tokens. It is compared as
    /// an exact string. It cannot be the issuer or the ID of a client.
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = resource_server::identifier())]
    pub identifier: String,
    /// Further accepted values of `resource` for this API. The `aud` of its tokens is always `identifier`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 256)))]
    #[x_kube(validation = resource_server::identifiers())]
    pub alternate_identifiers: Vec<String>,
    /// Name of the API on the consent page. Default: the object's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = rules::visible())]
    pub display_name: Option<String>,
    /// The scopes of the API. Only tokens for it contain them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub scopes: Vec<ResourceScopeSpec>,
    /// The types of authorization details (RFC 9396) that clients may request. Only tokens for the API contain them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = resource_server::details_types())]
    pub authorization_details_types: Vec<AuthorizationDetailsTypeSpec>,
    /// The clients that may request tokens for the API. Clients in this object's namespace always may; these may too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<ResourceClientsSpec>,
    /// The form of the tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<ResourceTokenSpec>,
    /// The introspection of the tokens of the API (RFC 7662).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection: Option<ResourceIntrospectionSpec>,
    /// The proof that the tokens require of their sender. `Bearer` (default): none. `DPoP`: every token is bound to
    /// a key of the client (RFC 9449); a client that sends no DPoP proof gets none. `MutualTls`: every token is bound
    /// to the certificate of the client (RFC 8705); a client without one gets none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_binding: Option<EnumSpec<TokenBinding>>,
    /// The exchange of other tokens for tokens for the API (RFC 8693).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<ResourceExchangeSpec>,
}

/// The exchange of other tokens for tokens for an API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceExchangeSpec {
    /// The exchanges that are allowed. For each request the first that fits is used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub allow: Vec<ExchangeRuleSpec>,
}

/// A client that may exchange tokens of one audience for tokens for an API. It does not need to be among the
/// `clients`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExchangeRuleSpec {
    /// The client. It needs the grant type `urn:ietf:params:oauth:grant-type:token-exchange`.
    pub client: ResourceClientRef,
    /// The audience (`aud`) of the tokens that the client exchanges: the `identifier` of a ResourceServer of the
    /// Tenant, the issuer, or the client's own ID for its ID tokens.
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = resource_server::audience())]
    pub from: String,
    /// How the new token names the client. `Delegation` (default): in the claim `act`. `Impersonation`: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<EnumSpec<ExchangeMode>>,
    /// A CEL expression that gives true for people whose tokens may be exchanged. Its variables are `user` and
    /// `client`, as in `spec.access.rules` of an OidcClient. Default: all people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub rule: Option<String>,
}

/// The introspection of the tokens of an API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceIntrospectionSpec {
    /// The client as which the API introspects its tokens. It sees no tokens of other APIs.
    pub client_ref: IntrospectionClientRef,
}

/// Reference to a client of the Tenant in this object's namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntrospectionClientRef {
    /// Name of the OidcClient.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::object_name())]
    pub name: String,
}

/// A scope of an API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceScopeSpec {
    /// The value in `scope`.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = resource_server::scope())]
    pub name: String,
    /// The purpose of the scope, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    #[x_kube(validation = rules::visible())]
    pub description: Option<String>,
}

/// A type of authorization details (RFC 9396) of an API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationDetailsTypeSpec {
    /// The value of the member `type`. No other ResourceServer of the Tenant may declare it.
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = resource_server::audience())]
    pub details_type: String,
    /// Name of the type on the consent page. Default: the type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = rules::visible())]
    pub display_name: Option<String>,
    /// The JSON Schema that details of the type must match, `type` included. The keywords are `type`, `properties`,
    /// `required`, `additionalProperties`, `enum`, `const`, `items`, `minItems`, `maxItems`, `minLength`, `maxLength`,
    /// `minimum` and `maximum`, and annotations such as `title`. A schema with another one is refused, and so is one
    /// of more than 8 KiB.
    #[schemars(extend("type" = "object", "x-kubernetes-preserve-unknown-fields" = true))]
    pub schema: Map<String, Value>,
}

/// The clients that may request tokens for an API: those in the namespaces, and those that are named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceClientsSpec {
    /// The namespaces whose clients may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<AllowedNamespaces>,
    /// Further clients that may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub names: Vec<ResourceClientRef>,
}

/// Reference to a client of the Tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceClientRef {
    /// Namespace of the OidcClient. Default: this object's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::object_name())]
    pub namespace: Option<String>,
    /// Name of the OidcClient.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name())]
    pub name: String,
}

/// The form of the access tokens for an API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceTokenSpec {
    /// Maximum lifetime. Default: that of the client's access tokens, which also bounds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "24h"))]
    pub lifetime: Option<String>,
    /// The algorithm that signs them, one of the Tenant's. Default: the Tenant's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_alg: Option<EnumSpec<SigningAlgorithm>>,
    /// The `typ` of their header. `JWT` is for libraries that refuse `at+jwt`. Default: that of the client's
    /// access tokens.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "type")]
    pub token_type: Option<EnumSpec<AccessTokenType>>,
    /// The claims about the user that the tokens contain, such as `groups` and `email`. The consent page
    /// names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 128)))]
    #[x_kube(validation = resource_server::claims())]
    pub claims: Vec<String>,
}

/// The observed state of an API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceServerStatus {
    /// The generation of the spec that the conditions describe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions: Accepted, ResolvedRefs, Programmed, Ready; Stalled while only an edit of the
    /// object can help.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::condition_schema::conditions_schema")]
    pub conditions: Vec<Condition>,
}
