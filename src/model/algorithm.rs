//! JWS algorithms of tenants and of clients (RFC 7518 §3.1, RFC 8037, RFC 9864).

use super::{WireEnum, wire_enum::wire_enum};

wire_enum!(
    /// JWS algorithms that tenants can sign with (RFC 7518 §3.1, RFC 8037).
    SigningAlgorithm {
        /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits.
        RS256 = "RS256",
        /// ECDSA on P-256 with SHA-256.
        ES256 = "ES256",
        /// EdDSA with the curve Ed25519 (RFC 8037).
        EdDSA = "EdDSA",
        /// RSASSA-PSS with SHA-256, 2048 bits.
        PS256 = "PS256",
    }
);

impl SigningAlgorithm {
    /// Returns true for RSA, whose signatures and keys cost the most.
    pub const fn is_rsa(self) -> bool {
        matches!(self, Self::RS256 | Self::PS256)
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

impl WireEnum for IdTokenAlgorithm {
    const VALUES: &'static [Self] = &[
        Self::Signed(SigningAlgorithm::RS256),
        Self::Signed(SigningAlgorithm::ES256),
        Self::Signed(SigningAlgorithm::EdDSA),
        Self::Signed(SigningAlgorithm::PS256),
        Self::None,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Signed(algorithm) => algorithm.as_str(),
            Self::None => "none",
        }
    }
}

wire_enum!(
    /// JWS algorithms that clients can use for assertions and request objects.
    JwsAlgorithm {
        /// `none`: the JWS is not signed (RFC 7518 §3.6).
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
        /// ECDSA on P-256 with SHA-256.
        ES256 = "ES256",
        /// ECDSA on P-384 with SHA-384.
        ES384 = "ES384",
        /// Ed25519, under its older name (RFC 8037), which does not say the curve.
        EdDSA = "EdDSA",
        /// Ed25519, under its fully specified name (RFC 9864 §2.2).
        Ed25519 = "Ed25519",
    }
);

impl From<SigningAlgorithm> for JwsAlgorithm {
    fn from(algorithm: SigningAlgorithm) -> Self {
        match algorithm {
            SigningAlgorithm::RS256 => Self::RS256,
            SigningAlgorithm::ES256 => Self::ES256,
            SigningAlgorithm::EdDSA => Self::EdDSA,
            SigningAlgorithm::PS256 => Self::PS256,
        }
    }
}

impl JwsAlgorithm {
    /// Returns true for HMAC: client and tenant share the key.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::HS256 | Self::HS384 | Self::HS512)
    }

    /// Returns true for RSA, whose signatures cost the most.
    pub const fn is_rsa(self) -> bool {
        matches!(
            self,
            Self::RS256 | Self::RS384 | Self::RS512 | Self::PS256 | Self::PS384 | Self::PS512
        )
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
