//! How a client authenticates, as it registered.

use std::sync::Arc;

use serde_json::Value;

use super::{AuthMethod, CertificateRule, JwsAlgorithm, Secret, wire_enum};

/// The client's registered way to authenticate (`token_endpoint_auth_method`, OIDC Core §9), with
/// what its credentials are compared to. The public keys are apart ([`ClientKeys`]), because they
/// verify request objects too.
#[derive(Clone, Debug)]
pub enum ClientAuthentication {
    /// A public client, which does not authenticate.
    None,
    /// The request contains the client secret.
    Secret {
        /// The part of the request that must contain it. `None` allows both parts, for a client that
        /// names no method.
        transport: Option<SecretTransport>,
        /// The client secrets; more than one while a secret is being replaced.
        secrets: Vec<Secret<String>>,
    },
    /// The request contains a JWT assertion, signed with the client secret.
    SecretJwt {
        /// The client secrets; more than one while a secret is being replaced.
        secrets: Vec<Secret<String>>,
        /// The algorithm and the audience that an assertion must have.
        policy: AssertionPolicy,
    },
    /// The request contains a JWT assertion, signed with a private key of the client.
    PrivateKeyJwt {
        /// The algorithm and the audience that an assertion must have.
        policy: AssertionPolicy,
    },
    /// The connection has a certificate of an authority.
    TlsClientAuth {
        /// The requirements of the certificate. Without them, while the Secret with the authorities does not exist,
        /// no certificate is accepted.
        certificate: Option<Arc<CertificateRule>>,
    },
    /// The connection has a certificate with one of the client's public keys.
    SelfSignedTls,
}

impl ClientAuthentication {
    /// The way to authenticate by a method; without one, by the secret in the header or in the
    /// body. `policy` applies to methods with an assertion, `secrets` to methods with a secret.
    pub fn new(
        method: Option<AuthMethod>,
        policy: AssertionPolicy,
        secrets: Vec<Secret<String>>,
    ) -> Self {
        let secret = |transport, secrets| Self::Secret { transport, secrets };
        match method {
            None => secret(None, secrets),
            Some(AuthMethod::None) => Self::None,
            Some(AuthMethod::ClientSecretBasic) => secret(Some(SecretTransport::Header), secrets),
            Some(AuthMethod::ClientSecretPost) => secret(Some(SecretTransport::Body), secrets),
            Some(AuthMethod::ClientSecretJwt) => Self::SecretJwt { secrets, policy },
            Some(AuthMethod::PrivateKeyJwt) => Self::PrivateKeyJwt { policy },
            Some(AuthMethod::TlsClientAuth) => Self::TlsClientAuth { certificate: None },
            Some(AuthMethod::SelfSignedTlsClientAuth) => Self::SelfSignedTls,
        }
    }

    /// The registered name of the method. If the client names none, the first of
    /// [`methods`](Self::methods), which is the default of the specification (OIDC Registration §2).
    pub const fn method(&self) -> AuthMethod {
        match self {
            Self::None => AuthMethod::None,
            Self::Secret { transport: Some(transport), .. } => transport.method(),
            Self::Secret { transport: None, .. } => AuthMethod::ClientSecretBasic,
            Self::SecretJwt { .. } => AuthMethod::ClientSecretJwt,
            Self::PrivateKeyJwt { .. } => AuthMethod::PrivateKeyJwt,
            Self::TlsClientAuth { .. } => AuthMethod::TlsClientAuth,
            Self::SelfSignedTls => AuthMethod::SelfSignedTlsClientAuth,
        }
    }

    /// The methods that the client may use.
    pub fn methods(&self) -> Vec<AuthMethod> {
        match self {
            Self::Secret { transport: None, .. } => {
                vec![AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost]
            }
            _ => vec![self.method()],
        }
    }

    /// The client secrets. Empty for methods without one, and while the Secret does not exist.
    pub fn secrets(&self) -> &[Secret<String>] {
        match self {
            Self::Secret { secrets, .. } | Self::SecretJwt { secrets, .. } => secrets,
            Self::None
            | Self::PrivateKeyJwt { .. }
            | Self::TlsClientAuth { .. }
            | Self::SelfSignedTls => &[],
        }
    }

    /// Sets the client secrets, if the method has any.
    pub fn set_secrets(&mut self, new: Vec<Secret<String>>) {
        match self {
            Self::Secret { secrets, .. } | Self::SecretJwt { secrets, .. } => *secrets = new,
            Self::None
            | Self::PrivateKeyJwt { .. }
            | Self::TlsClientAuth { .. }
            | Self::SelfSignedTls => {}
        }
    }

    /// Sets the requirements of the client's certificate, if the method has any.
    pub fn set_certificate(&mut self, rule: CertificateRule) {
        if let Self::TlsClientAuth { certificate } = self {
            *certificate = Some(Arc::new(rule));
        }
    }
}

/// Length from which a secret cannot be guessed at any rate of requests, in bytes. Generated ones have
/// 43.
const UNGUESSABLE_LEN: usize = 32;

/// Returns true if there are secrets, and none of them is short enough to be guessed.
pub fn are_unguessable(secrets: &[Secret<String>]) -> bool {
    !secrets.is_empty() && secrets.iter().all(|secret| secret.expose().len() >= UNGUESSABLE_LEN)
}

/// Where a request contains the client secret (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretTransport {
    /// In the `Authorization` header: `client_secret_basic`.
    Header,
    /// In the body: `client_secret_post`.
    Body,
}

impl SecretTransport {
    /// The method that sends the secret this way.
    pub const fn method(self) -> AuthMethod {
        match self {
            Self::Header => AuthMethod::ClientSecretBasic,
            Self::Body => AuthMethod::ClientSecretPost,
        }
    }
}

/// The requirements of the assertions that a client signs itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AssertionPolicy {
    /// The required algorithm. `None` allows any that the method allows.
    pub signing_alg: Option<JwsAlgorithm>,
    /// The allowed values of `aud`.
    pub audience: AssertionAudience,
}

wire_enum!(
    /// The audiences allowed in client assertions (OIDC Core §9; FAPI 2.0 allows only the issuer).
    #[derive(Default)]
    AssertionAudience {
        /// The issuer, or the URL of the endpoint the assertion is sent to.
        #[default]
        IssuerOrEndpoint = "IssuerOrEndpoint",
        /// Only the issuer, as a single string.
        Issuer = "Issuer",
    }
);

/// The public keys of a client (OIDC Registration §2), which verify its assertions and its request
/// objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClientKeys {
    /// The client registered no keys.
    #[default]
    None,
    /// `jwks`: a JWK Set.
    Inline(Arc<Value>),
    /// `jwks_uri`: the URL of a JWK Set.
    Url(Box<str>),
}

impl ClientKeys {
    /// The JWK Set, if the client registered it by value (`jwks`).
    pub fn inline(&self) -> Option<&Value> {
        if let Self::Inline(set) = self { Some(set) } else { None }
    }

    /// The URL of the JWK Set, if the client registered one (`jwks_uri`).
    pub fn url(&self) -> Option<&str> {
        if let Self::Url(url) = self { Some(url) } else { None }
    }
}
