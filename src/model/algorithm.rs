//! JWS algorithms of tenants and of clients (RFC 7518 §3.1, RFC 8037, RFC 9864).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// JWS algorithms that tenants can sign with (RFC 7518 §3.1, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl SigningAlgorithm {
    /// All supported algorithms.
    pub const ALL: [Self; 3] = [Self::RS256, Self::ES256, Self::EdDSA];

    /// The registered `alg` name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SigningAlgorithm {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text).ok_or(())
    }
}

/// The signature of a client's ID tokens (`id_token_signed_response_alg`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdTokenAlgorithm {
    /// Signed with a key of the tenant.
    Signed(SigningAlgorithm),
    /// Unsigned. Allowed only for ID tokens returned by the token endpoint (OIDC Registration §2).
    None,
}

/// JWS algorithms that clients can use for assertions and request objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JwsAlgorithm {
    /// Not signed.
    None,
    /// HMAC with SHA-256.
    HS256,
    /// HMAC with SHA-384.
    HS384,
    /// HMAC with SHA-512.
    HS512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// RSASSA-PSS with SHA-384.
    PS384,
    /// RSASSA-PSS with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// Ed25519, under its older name.
    EdDSA,
    /// Ed25519, under its fully specified name (RFC 9864 §2.2).
    Ed25519,
}

impl JwsAlgorithm {
    /// All known algorithms.
    pub const ALL: [Self; 14] = [
        Self::None,
        Self::HS256,
        Self::HS384,
        Self::HS512,
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
        Self::Ed25519,
    ];

    /// The registered `alg` name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
            Self::Ed25519 => "Ed25519",
        }
    }

    /// Returns true for HMAC: client and tenant share the key.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::HS256 | Self::HS384 | Self::HS512)
    }

    /// Returns true if only the signer has the key.
    pub const fn is_asymmetric(self) -> bool {
        !self.is_symmetric() && !matches!(self, Self::None)
    }

    /// Returns true if this algorithm equals the registered one. `EdDSA` and `Ed25519` are equal,
    /// because `EdDSA` meant Ed25519 here before RFC 9864 gave it its own name.
    pub fn is(self, registered: Self) -> bool {
        let plain = |it| if it == Self::Ed25519 { Self::EdDSA } else { it };
        plain(self) == plain(registered)
    }
}

impl fmt::Display for JwsAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for JwsAlgorithm {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text).ok_or(())
    }
}
