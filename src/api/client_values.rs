//! Values of `OidcClient` fields: enums of the OAuth and OpenID Connect specifications, and
//! lifetimes.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::{common::api_enum, rules};

api_enum!(
    /// `application_type` (OIDC Registration §2).
    ApplicationType {
        /// A server-side or browser application.
        Web = "web",
        /// An application installed on a device.
        Native = "native",
    }
);

api_enum!(
    /// `grant_type` (RFC 6749).
    GrantType {
        /// Exchanges an authorization code for tokens.
        AuthorizationCode = "authorization_code",
        /// Issues tokens at the authorization endpoint.
        Implicit = "implicit",
        /// Exchanges a refresh token for new tokens.
        RefreshToken = "refresh_token",
        /// Issues an access token to the application itself, without a user.
        ClientCredentials = "client_credentials",
    }
);

api_enum!(
    /// `token_endpoint_auth_method` (OIDC Core §9).
    AuthMethod {
        /// Client secret in the Authorization header.
        ClientSecretBasic = "client_secret_basic",
        /// Client secret in the request body.
        ClientSecretPost = "client_secret_post",
        /// A JWT signed with the client secret.
        ClientSecretJwt = "client_secret_jwt",
        /// A JWT signed with the application's private key.
        PrivateKeyJwt = "private_key_jwt",
        /// No authentication: a public client, which must use PKCE.
        None = "none",
    }
);

api_enum!(
    /// Whether users are asked for consent.
    Consent {
        /// The user is asked.
        Required = "Required",
        /// The user is not asked; the owner of the OidcClient consents on their behalf.
        Implied = "Implied",
    }
);

/// Lifetimes of a client's tokens. They can only shorten the tenant's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct OidcClientLifetimes {
    /// Lifetime of access tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "8784h"))]
    pub access_token: Option<String>,
    /// Lifetime of ID tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "8784h"))]
    pub id_token: Option<String>,
    /// Time after which an unused refresh token expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "8784h"))]
    pub refresh_token_idle: Option<String>,
    /// Maximum lifetime of a grant, regardless of how often it is refreshed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "8784h"))]
    pub refresh_token_absolute: Option<String>,
}

api_enum!(
    /// `subject_type` (OIDC Core §8).
    SubjectType {
        /// The same `sub` for every client.
        Public = "public",
        /// A different `sub` for each sector.
        Pairwise = "pairwise",
    }
);

api_enum!(
    /// `id_token_signed_response_alg` (OIDC Registration §2).
    IdTokenAlgorithm {
        /// RSASSA-PKCS1-v1_5 with SHA-256 and a 2048-bit key.
        RS256 = "RS256",
        /// ECDSA on P-256.
        ES256 = "ES256",
        /// Ed25519.
        EdDSA = "EdDSA",
        /// Unsigned.
        None = "none",
    }
);

api_enum!(
    /// Algorithm of a JWT that a client signs (RFC 7518 §3.1, RFC 8037, RFC 9864).
    JwsAlgorithm {
        /// Unsigned.
        None = "none",
        /// HMAC with SHA-256.
        HS256 = "HS256",
        /// HMAC with SHA-384.
        HS384 = "HS384",
        /// HMAC with SHA-512.
        HS512 = "HS512",
        /// RSASSA-PKCS1-v1_5 with SHA-256.
        RS256 = "RS256",
        /// RSASSA-PKCS1-v1_5 with SHA-384.
        RS384 = "RS384",
        /// RSASSA-PKCS1-v1_5 with SHA-512.
        RS512 = "RS512",
        /// RSASSA-PSS with SHA-256.
        PS256 = "PS256",
        /// RSASSA-PSS with SHA-384.
        PS384 = "PS384",
        /// RSASSA-PSS with SHA-512.
        PS512 = "PS512",
        /// ECDSA on P-256.
        ES256 = "ES256",
        /// ECDSA on P-384.
        ES384 = "ES384",
        /// Ed25519, under its older name.
        EdDSA = "EdDSA",
        /// Ed25519, under its RFC 9864 name.
        Ed25519 = "Ed25519",
    }
);

api_enum!(
    /// The `aud` values accepted in client assertions.
    AssertionAudience {
        /// The issuer, or the URL of the endpoint.
        IssuerOrEndpoint = "IssuerOrEndpoint",
        /// Only the issuer.
        Issuer = "Issuer",
    }
);

api_enum!(
    /// The tokens that a client may introspect.
    Introspection {
        /// Tokens issued to the client or with it as audience.
        Own = "Own",
        /// Every access token of the tenant.
        Tenant = "Tenant",
    }
);
