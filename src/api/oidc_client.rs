//! `OidcClient`: one application.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    client_secret::ClientSecretTemplate,
    client_values::{
        ApplicationType, AssertionAudience, AuthMethod, Consent, GrantType, IdTokenAlgorithm,
        Introspection, JwsAlgorithm, OidcClientLifetimes, SubjectType,
    },
    common::{RefreshTokenRotation, SecretKeyRef},
    rules::{self, client},
    signing::SigningAlgorithm,
};

/// An OidcClient is one application that signs people in at a Tenant. A confidential client gets
/// a Secret with its client id, client secret and issuer in its own namespace.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "lanyard.dev",
    version = "v1alpha1",
    kind = "OidcClient",
    doc = "An OidcClient is one application that signs people in at a Tenant.",
    validation = rules::name(),
    namespaced,
    category = "lanyard",
    status = "OidcClientStatus",
    printcolumn = r#"{"name":"Tenant","type":"string","jsonPath":".spec.tenantRef.name"}"#,
    printcolumn = r#"{"name":"Client-ID","type":"string","jsonPath":".status.clientId"}"#,
    printcolumn = r#"{"name":"Secret","type":"string","jsonPath":".status.secretName"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::immutable("tenantRef", "delete the object and create another"))]
#[x_kube(validation = rules::immutable_optional("clientId", "delete the object and create another"))]
#[x_kube(validation = client::custom_schemes_for_native("redirectUris"))]
#[x_kube(validation = client::custom_schemes_for_native("postLogoutRedirectUris"))]
#[x_kube(validation = client::reverse_domain_schemes("redirectUris"))]
#[x_kube(validation = client::reverse_domain_schemes("postLogoutRedirectUris"))]
#[x_kube(validation = client::redirects_somewhere())]
#[x_kube(validation = client::implicit_needs_https())]
#[x_kube(validation = client::refresh_needs_code())]
#[x_kube(validation = client::machines_authenticate())]
#[x_kube(validation = client::responses_agree("authorization_code", "type.contains('code')"))]
#[x_kube(validation = client::responses_agree("implicit", "type != 'code'"))]
#[x_kube(validation = client::one_secret())]
#[x_kube(validation = client::public_without_secret())]
#[x_kube(validation = client::keys_once())]
#[x_kube(validation = client::keys_to_authenticate())]
#[x_kube(validation = client::unsigned_from_token_endpoint())]
pub struct OidcClientSpec {
    /// The tenant that serves this client.
    pub tenant_ref: TenantRef,
    /// `client_id` of your choice; only for clients in the tenant's own namespace.
    /// Default: `<namespace>.<name>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = client::client_id())]
    pub client_id: Option<String>,
    /// What people are shown at sign-in and consent. Default: the object's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = rules::visible())]
    pub client_name: Option<String>,
    /// `web` (default) or `native`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_type: Option<ApplicationType>,
    /// Where sign-in may send people back to; compared as exact strings. https; http on localhost;
    /// for native clients also a scheme in reverse domain form, and loopback URIs match any port.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 512)))]
    #[x_kube(validation = client::absolute())]
    #[x_kube(validation = client::no_fragment())]
    #[x_kube(validation = client::no_active_scheme())]
    #[x_kube(validation = client::no_disguise())]
    #[x_kube(validation = client::plain_web_uri())]
    #[x_kube(validation = client::http_on_loopback_only())]
    #[x_kube(validation = rules::unique())]
    pub redirect_uris: Vec<String>,
    /// Where logout may send people back to; compared as exact strings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 512)))]
    #[x_kube(validation = client::absolute())]
    #[x_kube(validation = client::no_fragment())]
    #[x_kube(validation = client::no_active_scheme())]
    #[x_kube(validation = client::no_disguise())]
    #[x_kube(validation = client::plain_web_uri())]
    #[x_kube(validation = client::http_on_loopback_only())]
    #[x_kube(validation = rules::unique())]
    pub post_logout_redirect_uris: Vec<String>,
    /// `authorization_code`, `implicit`, `refresh_token`, `client_credentials`.
    /// Default: `[authorization_code]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub grant_types: Vec<GrantType>,
    /// `code`; `id_token`, `id_token token` (grant type `implicit`); `code id_token`,
    /// `code token`, `code id_token token` (both grant types). Default: `code`, if the grant type
    /// `authorization_code` is there; `id_token` and `id_token token`, if `implicit` is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 64)))]
    #[x_kube(validation = client::known_response_types())]
    pub response_types: Vec<String>,
    /// Scopes that it may ask for. Default: `openid profile email`, and `offline_access` with the
    /// grant type `refresh_token`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 128)))]
    #[x_kube(validation = rules::scopes())]
    pub scopes: Vec<String>,
    /// How it authenticates at the token endpoint: `client_secret_basic` (default),
    /// `client_secret_post`, `client_secret_jwt`, `private_key_jwt` (with `jwks` or `jwksUri`), or
    /// `none` for applications that cannot keep a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<AuthMethod>,
    /// The Secret that Lanyard makes for the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<ClientSecretTemplate>,
    /// A Secret of your own that holds the client secret, instead of a generated one.
    /// Default key: `client-secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeyRef>,
    /// `Required` (default): people are asked before the application gets what it asks for.
    /// `Implied`: the owner of this object answers for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// Lifetimes shorter than the tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetimes: Option<OidcClientLifetimes>,
    /// Seconds after which people must sign in again, unless the request says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 31_536_000))]
    pub default_max_age: Option<i64>,
    /// Whether ID tokens always say when the person signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_auth_time: Option<bool>,
    /// The application's home page, linked where people decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::web_url())]
    pub client_uri: Option<String>,
    /// An https URL of the application's logo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::https_url())]
    pub logo_uri: Option<String>,
    /// The application's privacy policy, linked where people decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::web_url())]
    pub policy_uri: Option<String>,
    /// The application's terms of service, linked where people decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::web_url())]
    pub tos_uri: Option<String>,
    /// Addresses of the people responsible for the application.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 254)))]
    pub contacts: Vec<String>,
    /// The application's public keys, a JWK Set: for `private_key_jwt` and signed request objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("type" = "object", "x-kubernetes-preserve-unknown-fields" = true))]
    pub jwks: Option<serde_json::Value>,
    /// Where the application publishes its keys, instead of `jwks`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::web_url())]
    pub jwks_uri: Option<String>,
    /// `public` (default): people have the same `sub` at every application. `pairwise`: one of
    /// this application's own, or of its sector's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_type: Option<SubjectType>,
    /// An https URL of a JSON array that names every redirect URI of the sector, so that several
    /// hosts share their pairwise subjects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::https_url())]
    pub sector_identifier_uri: Option<String>,
    /// What ID tokens are signed with: `RS256`, `ES256` or `EdDSA`, if the tenant lists it, or
    /// `none` for ID tokens that come from the token endpoint only. Default: the tenant's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<IdTokenAlgorithm>,
    /// Userinfo is a JWT signed with this algorithm. Default: plain JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<SigningAlgorithm>,
    /// The one algorithm that its request objects may have; `none` allows those without a
    /// signature. Default: any, and without a signature only those at `requestUris`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_object_signing_alg: Option<JwsAlgorithm>,
    /// The one algorithm that its assertions may have. Default: any that goes with the method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<JwsAlgorithm>,
    /// What its assertions name as audience: `IssuerOrEndpoint` (default), or `Issuer` for the
    /// issuer alone, as FAPI 2.0 wants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_assertion_audience: Option<AssertionAudience>,
    /// Levels of assurance that requests ask for unless they name others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 256)))]
    pub default_acr_values: Vec<String>,
    /// An https URL where others may have the application begin a sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::https_url())]
    pub initiate_login_uri: Option<String>,
    /// Where its request objects lie; a fragment is the base64url SHA-256 of the content.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 512)))]
    #[x_kube(validation = client::absolute())]
    pub request_uris: Vec<String>,
    /// Where a logout token goes when the session ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::web_url())]
    #[x_kube(validation = client::plain_url())]
    pub backchannel_logout_uri: Option<String>,
    /// Whether the logout token must name the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_session_required: Option<bool>,
    /// What the signed-out page loads in a frame; of the same origin as a redirect URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::web_url())]
    #[x_kube(validation = client::plain_url())]
    pub frontchannel_logout_uri: Option<String>,
    /// Whether that URL gets `iss` and `sid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frontchannel_logout_session_required: Option<bool>,
    /// `Always`: each use of a refresh token makes a new one. `PublicClients`: only clients
    /// without a secret get a new one. Default: the tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_rotation: Option<RefreshTokenRotation>,
    /// Which tokens it may introspect: `Own` (default), those given to it or made for it;
    /// `Tenant`, every access token of the tenant, as resource servers need. Only clients in the
    /// tenant's own namespace may have `Tenant`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection: Option<Introspection>,
    /// Which software the application is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub software_id: Option<String>,
    /// And which version of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub software_version: Option<String>,
}

/// A tenant, in this or another namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantRef {
    /// Name of the Tenant.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::object_name())]
    pub name: String,
    /// Its namespace. Default: this object's. Another namespace's tenant must admit this one
    /// (`spec.clients.namespaces` of the tenant).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::object_name())]
    pub namespace: Option<String>,
}

/// What Lanyard says of a client.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OidcClientStatus {
    /// The generation of the spec that the conditions speak of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `client_id` in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The issuer to configure in the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The Secret with the credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
    /// Accepted, ResolvedRefs, SecretReady, Programmed, Ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::condition_schema::conditions")]
    pub conditions: Vec<Condition>,
}
