//! Values of an `OidcClient`'s fields: what the specifications register, and lifetimes.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::{common::api_enum, rules};

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
        /// An assertion under the secret.
        ClientSecretJwt = "client_secret_jwt",
        /// An assertion under a key of the application's own.
        PrivateKeyJwt = "private_key_jwt",
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

api_enum!(
    /// `subject_type`.
    SubjectType {
        /// The same `sub` everywhere.
        Public = "public",
        /// A `sub` of each sector's own.
        Pairwise = "pairwise",
    }
);

api_enum!(
    /// `id_token_signed_response_alg`.
    IdTokenAlgorithm {
        /// RSA, 2048 bits.
        RS256 = "RS256",
        /// ECDSA on P-256.
        ES256 = "ES256",
        /// Ed25519.
        EdDSA = "EdDSA",
        /// Not signed.
        None = "none",
    }
);

api_enum!(
    /// A signature of a client's own (RFC 7518 §3.1, RFC 8037, RFC 9864).
    JwsAlgorithm {
        /// Not signed.
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
        /// Ed25519.
        EdDSA = "EdDSA",
        /// Ed25519 by that name.
        Ed25519 = "Ed25519",
    }
);

api_enum!(
    /// What client assertions name as audience.
    AssertionAudience {
        /// The issuer, or the endpoint.
        IssuerOrEndpoint = "IssuerOrEndpoint",
        /// The issuer alone.
        Issuer = "Issuer",
    }
);

api_enum!(
    /// Which tokens a client may introspect.
    Introspection {
        /// Those given to it or made for it.
        Own = "Own",
        /// Every access token of the tenant.
        Tenant = "Tenant",
    }
);
