//! The `OidcClient` resource: one application.

mod federated_credential;
mod status;
mod summary;
mod tenant_ref;
mod tls_client_auth;

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

pub use federated_credential::{FederatedCredentialSpec, ServiceAccountRef};
pub use status::OidcClientStatus;
pub use summary::{ClientStatusFacts, ClientSummary};
pub use tenant_ref::TenantRef;
pub use tls_client_auth::TlsClientAuthSpec;

use super::{
    AccessSpec, EnumSpec, MessageSigningSpec, SecretKeyRef,
    client_secret::ClientSecretTemplate,
    client_values::{Introspection, OidcClientLifetimes},
    rules::{self, client},
};
use crate::model::{
    AccessTokenType, ApplicationType, AssertionAudience, AuthMethod, BackchannelTokenDeliveryMode,
    ConsentPolicy, GrantType, IdTokenAlgorithm, IdTokenClaimsPolicy, JwsAlgorithm,
    RefreshTokenRotation, SecurityProfile, SigningAlgorithm, SubjectType,
};

/// An OidcClient is one application that signs users in at a Tenant. For a confidential client Lanyard creates a Secret with the client ID,
/// client secret and issuer in the client's namespace.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "lanyard.dev",
    version = "v1alpha1",
    kind = "OidcClient",
    doc = "An OidcClient is one application that signs users in at a Tenant.",
    validation = rules::name(),
    namespaced,
    category = "lanyard",
    shortname = "oidcc",
    status = "OidcClientStatus",
    printcolumn = r#"{"name":"Tenant","type":"string","jsonPath":".status.tenant"}"#,
    printcolumn = r#"{"name":"Client-ID","type":"string","jsonPath":".status.clientId"}"#,
    printcolumn = r#"{"name":"Secret","type":"string","jsonPath":".status.secretName"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::immutable("tenantRef", "delete the object and create another"), validation = rules::immutable_optional("clientId", "delete the object and create another"))]
#[x_kube(validation = client::implicit_needs_https(), validation = client::refresh_needs_code(), validation = client::machines_authenticate(), validation = client::grants_by_assertion())]
#[x_kube(validation = client::ping_needs_endpoint(), validation = client::delivery_needs_grant(), validation = client::unsigned_from_token_endpoint())]
#[x_kube(validation = client::responses_agree("authorization_code", "type.contains('code')"), validation = client::responses_agree("implicit", "type != 'code'"), validation = client::one_secret())]
#[x_kube(validation = client::public_without_secret(), validation = client::keys_once(), validation = client::keys_to_authenticate(), validation = client::certificate_to_authenticate())]
#[x_kube(validation = client::one_token_binding(), validation = rules::message_signing_only_with_its_profile(), validation = client::federated_by_assertion())]
pub struct OidcClientSpec {
    /// The tenant that serves this client. Immutable.
    pub tenant_ref: TenantRef,
    /// The `client_id` to use: letters, digits and `-._~:/@`. Only allowed for clients in the tenant's own namespace. Immutable. An
    /// application that authenticates with `client_secret_basic` must percent-encode a `:`, as RFC 6749 says; with `client_secret_post` it need not. Default: `<namespace>.<name>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = client::client_id())]
    pub client_id: Option<String>,
    /// Name of the application on the sign-in and consent pages. Default: the object's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = rules::visible())]
    pub client_name: Option<String>,
    /// Type of the application: `web` (default) or `native`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_type: Option<EnumSpec<ApplicationType>>,
    /// URIs that users may be redirected to after sign-in, compared as exact strings: with https, the scheme of an application, or http on
    /// a loopback host (localhost and names below it, 127.0.0.1, `[::1]`). With http on other hosts only where the installation's
    /// `insecureHttpHosts` allow it. The loopback URIs of native clients match any port. Those of an `IdentityProvider` that refers to the client by `clientRef` need not be listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128), inner(length(min = 1, max = 512)))]
    #[x_kube(validation = client::absolute(), validation = client::no_fragment(), validation = client::no_active_scheme())]
    #[x_kube(validation = client::no_disguise(), validation = client::plain_web_uri(), validation = client::no_wildcard(), validation = rules::unique())]
    pub redirect_uris: Vec<String>,
    /// URIs that users may be redirected to after logout, compared as exact strings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128), inner(length(min = 1, max = 512)))]
    #[x_kube(validation = client::absolute(), validation = client::no_fragment(), validation = client::no_active_scheme())]
    #[x_kube(validation = client::no_disguise(), validation = client::plain_web_uri(), validation = client::no_wildcard(), validation = rules::unique())]
    pub post_logout_redirect_uris: Vec<String>,
    /// Origins of pages, besides those of `redirectUris`, that may read the responses of the token, userinfo and revocation endpoints
    /// (CORS), as browsers send them: `https://app.example.com`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 256)))]
    #[x_kube(validation = client::origins(), validation = client::no_active_scheme(), validation = rules::unique())]
    pub allowed_origins: Vec<String>,
    /// Grant types that the client may use: `authorization_code`, `implicit`, `refresh_token`, `client_credentials`,
    /// `urn:ietf:params:oauth:grant-type:device_code`, `urn:ietf:params:oauth:grant-type:token-exchange`,
    /// `urn:ietf:params:oauth:grant-type:jwt-bearer`, `urn:openid:params:grant-type:ciba`. Default: `[authorization_code]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub grant_types: Vec<EnumSpec<GrantType>>,
    /// Response types that the client may use: `code`; `id_token` and `id_token token` (grant type `implicit`); `code id_token`, `code
    /// token` and `code id_token token` (both grant types). Default: `code` with the grant type `authorization_code`; `id_token` and
    /// `id_token token` with `implicit`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 64)))]
    #[x_kube(validation = client::known_response_types())]
    pub response_types: Vec<String>,
    /// Scopes that the client may request. Default: `openid profile email groups`, and `offline_access` with the grant type
    /// `refresh_token`, as far as the tenant's `clients.scopes` allows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 128)))]
    #[x_kube(validation = rules::scopes())]
    pub scopes: Vec<String>,
    /// A security profile of FAPI 2.0, `Fapi2Security` or `Fapi2MessageSigning`, besides that of the tenant. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<EnumSpec<SecurityProfile>>,
    /// Messages that must be signed with the profile `Fapi2MessageSigning`. Default: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_signing: Option<MessageSigningSpec>,
    /// How the client authenticates at the token endpoint: `client_secret_basic`, `client_secret_post`, `client_secret_jwt`,
    /// `private_key_jwt` (needs `jwks`, `jwksUri` or `federatedCredentials`), `tls_client_auth` (needs `tlsClientAuth`),
    /// `self_signed_tls_client_auth` (needs `jwks` or `jwksUri`), or `none` for applications that cannot keep a secret. Default:
    /// `client_secret_basic` or `client_secret_post`, as each request chooses; a method that is named is the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<EnumSpec<AuthMethod>>,
    /// The certificate by which the client authenticates with `tls_client_auth`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_auth: Option<TlsClientAuthSpec>,
    /// Name and content of the Secret that Lanyard creates for the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<ClientSecretTemplate>,
    /// An existing Secret that holds the client secret, instead of a generated one. Default key: `client-secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeyRef>,
    /// `Required` (default): users are asked for consent to the requested scopes. `Implied`: users are not asked; the owner of this object consents for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<EnumSpec<ConsentPolicy>>,
    /// The people who may use this client. It can only narrow the tenant's `access`. Default: all whom the tenant lets in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessSpec>,
    /// Lifetimes of this client's tokens. They can only shorten the tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetimes: Option<OidcClientLifetimes>,
    /// Seconds after which users must sign in again, unless the request sets `max_age`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 31_536_000))]
    pub default_max_age: Option<i64>,
    /// Whether ID tokens always contain `auth_time`, the time of the sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_auth_time: Option<bool>,
    /// The application's home page, linked on the sign-in and consent pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::web_url())]
    pub client_uri: Option<String>,
    /// An https URL of the application's logo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::https_url())]
    pub logo_uri: Option<String>,
    /// The application's privacy policy, linked on the sign-in and consent pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::web_url())]
    pub policy_uri: Option<String>,
    /// The application's terms of service, linked on the sign-in and consent pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::web_url())]
    pub tos_uri: Option<String>,
    /// Contact addresses of the people responsible for the application.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 254)))]
    pub contacts: Vec<String>,
    /// The application's public keys as a JWK Set: for `private_key_jwt`, signed request objects, and certificates of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("type" = "object", "x-kubernetes-preserve-unknown-fields" = true))]
    pub jwks: Option<serde_json::Value>,
    /// URL where the application publishes its JWK Set, instead of `jwks`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::web_url())]
    pub jwks_uri: Option<String>,
    /// Identities of other issuers that authenticate the client, with the method `private_key_jwt`: Pods by their ServiceAccount, jobs of a
    /// CI service, workloads of another cluster or of a SPIFFE trust domain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub federated_credentials: Vec<FederatedCredentialSpec>,
    /// `public` (default): a user has the same `sub` at every application. `pairwise`: a different one at each, or at each sector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_type: Option<EnumSpec<SubjectType>>,
    /// An https URL of a JSON array of every redirect URI of the sector, for several hosts with the same pairwise subjects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::https_url())]
    pub sector_identifier_uri: Option<String>,
    /// Algorithm that ID tokens are signed with, one that the tenant lists, or `none` if ID tokens are only issued at the token endpoint. Default: the tenant's first algorithm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<EnumSpec<IdTokenAlgorithm>>,
    /// Algorithm that userinfo responses are signed with, as a JWT. Default: plain JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<EnumSpec<SigningAlgorithm>>,
    /// Algorithm that authorization responses are signed with, if they are JWTs (JARM). Default: the tenant's first algorithm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_signed_response_alg: Option<EnumSpec<SigningAlgorithm>>,
    /// The only algorithm accepted for the client's request objects; with `none` they must be unsigned. Default: any algorithm; unsigned
    /// request objects are accepted only from `requestUris`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_object_signing_alg: Option<EnumSpec<JwsAlgorithm>>,
    /// The only algorithm accepted for assertions that the client signs itself. Default: any that the authentication method allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<EnumSpec<JwsAlgorithm>>,
    /// The `aud` value required in assertions that the client signs itself: `IssuerOrEndpoint` (default), or `Issuer` for the issuer only, as FAPI 2.0 requires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_assertion_audience: Option<EnumSpec<AssertionAudience>>,
    /// The `acr_values` that apply to requests without any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 256)))]
    pub default_acr_values: Vec<String>,
    /// An https URL where a third party can start a sign-in at the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::https_url())]
    pub initiate_login_uri: Option<String>,
    /// URLs of the client's request objects. A fragment is the base64url SHA-256 of the content.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 512)))]
    #[x_kube(validation = client::absolute())]
    pub request_uris: Vec<String>,
    /// URL that receives a logout token when a session ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::web_url(), validation = client::plain_url())]
    pub backchannel_logout_uri: Option<String>,
    /// Whether the logout token must contain the session ID (`sid`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_session_required: Option<bool>,
    /// How the client learns of answers over the backchannel: `poll` (default), or `ping` at `backchannelClientNotificationEndpoint`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_token_delivery_mode: Option<EnumSpec<BackchannelTokenDeliveryMode>>,
    /// An https URL that is notified when a person has answered a request over the backchannel, with the mode `ping`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::https_url())]
    pub backchannel_client_notification_endpoint: Option<String>,
    /// URL that the signed-out page loads in a frame. It must have the origin of a redirect URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::web_url(), validation = client::plain_url())]
    pub frontchannel_logout_uri: Option<String>,
    /// Whether `frontchannelLogoutUri` gets the query parameters `iss` and `sid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frontchannel_logout_session_required: Option<bool>,
    /// `Always`: every use of a refresh token returns a new one. `PublicClients`: only clients without a secret get a new one. Default: the
    /// tenant's setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_rotation: Option<EnumSpec<RefreshTokenRotation>>,
    /// Claims about the user in this client's ID tokens. `Scopes`: the claims of the granted scopes. `Minimal`: the client reads them from
    /// the userinfo endpoint, and an ID token has only those that were requested by name, unless no access token is issued. An ID token
    /// that the browser carries along with a code never has the claims of scopes. Default: the tenant's setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_claims: Option<EnumSpec<IdTokenClaimsPolicy>>,
    /// Type of this client's access tokens, the header `typ`: `at+jwt`, or `JWT` for resource servers that refuse `at+jwt`. Default: the
    /// tenant's setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_type: Option<EnumSpec<AccessTokenType>>,
    /// Whether authorization requests must use PKCE (`code_challenge_method=S256`). Default: the tenant's setting. Public clients must use
    /// it in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_pkce: Option<bool>,
    /// Whether the client must push its authorization requests (RFC 9126). `true` at the tenant applies to all of its clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_pushed_authorization_requests: Option<bool>,
    /// Whether the client's tokens must be bound to a key by DPoP (RFC 9449): token requests without a proof are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_bound_access_tokens: Option<bool>,
    /// Whether the client's tokens must be bound to its certificate (RFC 8705): token requests without one are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_certificate_bound_access_tokens: Option<bool>,
    /// How long a refresh token that was replaced by a new one is still answered, with a new access token and the current refresh token:
    /// answers get lost, and applications send requests at the same time. Any later use revokes the grant. From `0s` to `5m`. It can only
    /// be shorter than the tenant's. Default: the tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration(), validation = rules::between("0s", "5m"))]
    pub refresh_token_reuse_window: Option<String>,
    /// Tokens that the client may introspect. `Own` (default): tokens issued to it or with it as audience. `Tenant`: every access token of
    /// the tenant, which resource servers need; only allowed for clients in the tenant's own namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection: Option<EnumSpec<Introspection>>,
    /// Identifier of the application's software (`software_id`, RFC 7591).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub software_id: Option<String>,
    /// Version of the application's software (`software_version`, RFC 7591).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub software_version: Option<String>,
}
