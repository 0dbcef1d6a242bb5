//! Public keys of passkeys: from their COSE form (RFC 9052 §7, RFC 9053 §7, RFC 8230 §4) to one that verifies.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use serde::{Deserialize, Serialize};

use super::{
    WebauthnError,
    cbor::{CborError, CborReader},
};

/// ECDSA with P-256 and SHA-256.
pub(super) const ES256: i64 = -7;
/// EdDSA with the curve Ed25519.
pub(super) const EDDSA: i64 = -8;
/// `RSASSA-PKCS1-v1_5` with SHA-256.
pub(super) const RS256: i64 = -257;

/// Maximum number of entries of a key.
const MAX_ENTRIES: u64 = 16;
/// The labels of the parameters of a key (RFC 9052 §7.1).
const KTY: i64 = 1;
const ALG: i64 = 3;
/// The curve (`crv`) of an elliptic curve key, or the modulus of an RSA key.
const FIRST: i64 = -1;
/// The coordinate x of an elliptic curve key, or the exponent of an RSA key.
const SECOND: i64 = -2;
/// The coordinate y of an elliptic curve key of two coordinates.
const THIRD: i64 = -3;
/// The values of `kty` (RFC 9053 §7, RFC 8230 §4).
const OKP: i64 = 1;
const EC2: i64 = 2;
const RSA: i64 = 3;
/// The values of `crv` (RFC 9053 §7.1).
const P256: i64 = 1;
const CURVE_ED25519: i64 = 6;
/// Bits of an RSA modulus.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// Maximum number of bytes of an RSA exponent.
const MAX_EXPONENT_LEN: usize = 4;

/// The public key of a passkey, which was checked when it was registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PasskeyPublicKey {
    /// A P-256 key for ES256: the uncompressed point, of the byte 4 and both coordinates (65 bytes).
    Es256(Vec<u8>),
    /// An Ed25519 key for EdDSA, of 32 bytes.
    Ed25519(Vec<u8>),
    /// An RSA key of 2048 to 4096 bits for RS256.
    Rs256 {
        /// The modulus, without leading zeros.
        modulus: Vec<u8>,
        /// The exponent, without leading zeros.
        exponent: Vec<u8>,
    },
}

impl PasskeyPublicKey {
    /// Returns true if the key has signed the message.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Es256(point) => ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
                .is_ok_and(|key| key.verify_sig(message, signature).is_ok()),
            Self::Ed25519(key) => ParsedPublicKey::new(&ED25519, key)
                .is_ok_and(|key| key.verify_sig(message, signature).is_ok()),
            Self::Rs256 { modulus, exponent } => {
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
        }
    }

    /// Checks that it is a key: a point of the curve, or a modulus and an exponent of the right size.
    fn check(self) -> Result<Self, WebauthnError> {
        let is_key = match &self {
            Self::Es256(point) => ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).is_ok(),
            Self::Ed25519(key) => key.len() == 32 && ParsedPublicKey::new(&ED25519, key).is_ok(),
            Self::Rs256 { modulus, exponent } => {
                let bits = bit_length(modulus);
                let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
                let is_exponent =
                    is_odd(exponent) && exponent != &[1] && exponent.len() <= MAX_EXPONENT_LEN;
                RSA_BITS.contains(&bits) && is_odd(modulus) && is_exponent
            }
        };
        if is_key { Ok(self) } else { Err(WebauthnError::UnusableKey) }
    }
}

/// The parameters of a key; those of other names are skipped.
#[derive(Default)]
struct CoseKey<'a> {
    kty: Option<i64>,
    alg: Option<i64>,
    curve: Option<i64>,
    modulus: Option<&'a [u8]>,
    second: Option<&'a [u8]>,
    third: Option<&'a [u8]>,
}

/// Reads a key in the COSE form.
pub(super) fn read_cose_key(
    reader: &mut CborReader<'_>,
) -> Result<PasskeyPublicKey, WebauthnError> {
    let malformed = |_| WebauthnError::Malformed("the public key");
    let key = read_parameters(reader).map_err(malformed)?;
    let unusable = WebauthnError::UnusableKey;
    let public_key = match (key.kty, key.alg, key.curve) {
        (Some(EC2), Some(ES256), Some(P256)) => {
            let (x, y) = key.second.zip(key.third).ok_or(unusable)?;
            if (x.len(), y.len()) != (32, 32) {
                return Err(unusable);
            }
            PasskeyPublicKey::Es256([&[4], x, y].concat())
        }
        (Some(OKP), Some(EDDSA), Some(CURVE_ED25519)) => {
            PasskeyPublicKey::Ed25519(key.second.ok_or(unusable)?.to_vec())
        }
        (Some(RSA), Some(RS256), None) => {
            let (modulus, exponent) = key.modulus.zip(key.second).ok_or(unusable)?;
            PasskeyPublicKey::Rs256 {
                modulus: without_zeros(modulus).to_vec(),
                exponent: without_zeros(exponent).to_vec(),
            }
        }
        _ => return Err(unusable),
    };
    public_key.check()
}

fn read_parameters<'a>(reader: &mut CborReader<'a>) -> Result<CoseKey<'a>, CborError> {
    let mut key = CoseKey::default();
    let count = reader.map()?;
    if count > MAX_ENTRIES {
        return Err(CborError);
    }
    let mut before = Vec::new();
    for _ in 0..count {
        let label = reader.integer()?;
        if before.contains(&label) {
            return Err(CborError);
        }
        before.push(label);
        match label {
            KTY => key.kty = Some(reader.integer()?),
            ALG => key.alg = Some(reader.integer()?),
            // The type comes first in the canonical order.
            FIRST if key.kty == Some(RSA) => key.modulus = Some(reader.bytes()?),
            FIRST => key.curve = Some(reader.integer()?),
            SECOND => key.second = Some(reader.bytes()?),
            THIRD => key.third = Some(reader.bytes()?),
            _ => reader.skip()?,
        }
    }
    Ok(key)
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// The bits of a number without leading zeros.
fn bit_length(number: &[u8]) -> usize {
    let first = number.first().map_or(0, |byte| byte.leading_zeros());
    (number.len() * 8).saturating_sub(usize::try_from(first).unwrap_or_default())
}
