//! `OidcClient`: one application.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    client_secret::ClientSecretTemplate,
    common::{SecretKeyRef, api_enum},
    rules::{self, client},
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
#[x_kube(validation = client::responses_agree("authorization_code", "type == 'code'"))]
#[x_kube(validation = client::responses_agree("implicit", "type != 'code'"))]
#[x_kube(validation = client::one_secret())]
#[x_kube(validation = client::public_without_secret())]
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
    #[x_kube(validation = client::http_on_loopback_only())]
    #[x_kube(validation = rules::unique())]
    pub post_logout_redirect_uris: Vec<String>,
    /// `authorization_code`, `implicit`, `refresh_token`, `client_credentials`.
    /// Default: `[authorization_code]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub grant_types: Vec<GrantType>,
    /// `code`, `id_token`, `id_token token`. Default: `code`, if the grant type
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
    /// `client_secret_post`, or `none` for applications that cannot keep a secret.
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

api_enum!(
    /// `application_type`.
    ApplicationType {
        /// A server, or a page in a browser.
        Web = "web",
        /// An application on a device.
        Native = "native",
    }
);

api_enum!(
    /// `grant_type`.
    GrantType {
        /// A code is exchanged for tokens.
        AuthorizationCode = "authorization_code",
        /// Tokens from the authorization endpoint.
        Implicit = "implicit",
        /// Tokens are renewed.
        RefreshToken = "refresh_token",
        /// The application acts for itself.
        ClientCredentials = "client_credentials",
    }
);

api_enum!(
    /// `token_endpoint_auth_method`.
    AuthMethod {
        /// Secret in the Authorization header.
        ClientSecretBasic = "client_secret_basic",
        /// Secret in the body.
        ClientSecretPost = "client_secret_post",
        /// No secret: a public client, held to PKCE.
        None = "none",
    }
);

api_enum!(
    /// Whether people are asked.
    Consent {
        /// Ask.
        Required = "Required",
        /// The owner of the object has answered.
        Implied = "Implied",
    }
);

/// Lifetimes of a client's tokens; they only shorten the tenant's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct OidcClientLifetimes {
    /// Access tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "8784h"))]
    pub access_token: Option<String>,
    /// ID tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "8784h"))]
    pub id_token: Option<String>,
    /// A refresh token that is not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "8784h"))]
    pub refresh_token_idle: Option<String>,
    /// A grant, however often it is refreshed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "8784h"))]
    pub refresh_token_absolute: Option<String>,
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
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}
