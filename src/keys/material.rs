//! A parsed private key of any supported type. Signs, and exports its public half.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa,
    signature::{
        self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
        RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::model::{Secret, SigningAlgorithm, jwk_thumbprint};

/// A parsed private key of one algorithm.
pub(super) enum PrivateKey {
    Rsa(signature::RsaKeyPair),
    /// An RSA key that signs with RSASSA-PSS. No key signs with both: each algorithm has keys of its own.
    RsaPss(signature::RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// The error for a key that cannot be parsed, generated or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key cannot be used")]
pub struct InvalidPrivateKey;

impl PrivateKey {
    /// Generates a key. RSA takes about 70 ms of CPU time; the others take microseconds.
    pub(super) fn generate(algorithm: SigningAlgorithm) -> Result<Self, InvalidPrivateKey> {
        match algorithm {
            SigningAlgorithm::RS256 => generate_rsa().map(Self::Rsa),
            SigningAlgorithm::PS256 => generate_rsa().map(Self::RsaPss),
            SigningAlgorithm::ES256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
                .map(Self::Ec)
                .map_err(|_| InvalidPrivateKey),
            SigningAlgorithm::EdDSA => {
                Ed25519KeyPair::generate().map(Self::Ed).map_err(|_| InvalidPrivateKey)
            }
        }
    }

    /// Parses a private key in PKCS#8 as PEM. The error says nothing of the key.
    pub(super) fn from_pem(
        algorithm: SigningAlgorithm,
        text: &str,
    ) -> Result<Self, InvalidPrivateKey> {
        let block = pem::parse(text).map_err(|_| InvalidPrivateKey)?;
        Self::from_pkcs8(algorithm, block.contents())
    }

    pub(super) fn from_pkcs8(
        algorithm: SigningAlgorithm,
        der: &[u8],
    ) -> Result<Self, InvalidPrivateKey> {
        match algorithm {
            SigningAlgorithm::RS256 => {
                signature::RsaKeyPair::from_pkcs8(der).map(Self::Rsa).map_err(|_| InvalidPrivateKey)
            }
            SigningAlgorithm::PS256 => signature::RsaKeyPair::from_pkcs8(der)
                .map(Self::RsaPss)
                .map_err(|_| InvalidPrivateKey),
            SigningAlgorithm::ES256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
                    .map(Self::Ec)
                    .map_err(|_| InvalidPrivateKey)
            }
            SigningAlgorithm::EdDSA => Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
                .map(Self::Ed)
                .map_err(|_| InvalidPrivateKey),
        }
    }

    /// Encodes the key as PKCS#8 PEM.
    pub(super) fn to_pem(&self) -> Result<Secret<String>, InvalidPrivateKey> {
        let pem = |der: &[u8]| Secret::new(pem::encode(&pem::Pem::new("PRIVATE KEY", der)));
        match self {
            Self::Rsa(key) | Self::RsaPss(key) => {
                let der: Result<Pkcs8V1Der<'_>, _> = key.as_der();
                der.map(|der| pem(der.as_ref())).map_err(|_| InvalidPrivateKey)
            }
            Self::Ec(key) => {
                key.to_pkcs8v1().map(|der| pem(der.as_ref())).map_err(|_| InvalidPrivateKey)
            }
            Self::Ed(key) => {
                key.to_pkcs8v1().map(|der| pem(der.as_ref())).map_err(|_| InvalidPrivateKey)
            }
        }
    }

    pub(super) fn algorithm(&self) -> SigningAlgorithm {
        match self {
            Self::Rsa(_) => SigningAlgorithm::RS256,
            Self::RsaPss(_) => SigningAlgorithm::PS256,
            Self::Ec(_) => SigningAlgorithm::ES256,
            Self::Ed(_) => SigningAlgorithm::EdDSA,
        }
    }

    /// Signs a message and returns the signature in JWS encoding (RFC 7515 §5.1).
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, InvalidPrivateKey> {
        match self {
            Self::Rsa(key) => sign_with_rsa(key, &RSA_PKCS1_SHA256, message),
            Self::RsaPss(key) => sign_with_rsa(key, &RSA_PSS_SHA256, message),
            Self::Ec(key) => {
                let signature = key.sign(&SystemRandom::new(), message);
                Ok(signature.map_err(|_| InvalidPrivateKey)?.as_ref().to_vec())
            }
            Self::Ed(key) => Ok(key.sign(message).as_ref().to_vec()),
        }
    }

    /// Returns the public key as JWK members (RFC 7518 §6, RFC 8037 §2). The value is built from
    /// public components only.
    pub(super) fn public_jwk(&self) -> Value {
        let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa(key) | Self::RsaPss(key) => {
                let public = key.public_key();
                json!({
                    "kty": "RSA",
                    "n": b64(public.modulus().big_endian_without_leading_zero()),
                    "e": b64(public.exponent().big_endian_without_leading_zero()),
                })
            }
            Self::Ec(key) => {
                let point = key.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..]) })
            }
            Self::Ed(key) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(key.public_key().as_ref()) })
            }
        }
    }

    /// The `kid` of a key that has no other: its thumbprint (RFC 7638).
    pub(super) fn key_id(&self) -> Option<String> {
        self.public_jwk().as_object().and_then(jwk_thumbprint)
    }
}

fn generate_rsa() -> Result<signature::RsaKeyPair, InvalidPrivateKey> {
    signature::RsaKeyPair::generate(rsa::KeySize::Rsa2048).map_err(|_| InvalidPrivateKey)
}

/// Signs with an encoding: PKCS #1 v1.5 (RFC 7518 §3.3), or PSS with a salt of 32 bytes (§3.5).
fn sign_with_rsa(
    key: &signature::RsaKeyPair,
    encoding: &'static dyn RsaEncoding,
    message: &[u8],
) -> Result<Vec<u8>, InvalidPrivateKey> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(encoding, &SystemRandom::new(), message, &mut signature)
        .map_err(|_| InvalidPrivateKey)?;
    Ok(signature)
}
