//! New keys.

use super::{
    key_secret::{KeyRecord, KeyTimes},
    material::{InvalidKey, PrivateKey},
    ring::thumbprint,
};
use crate::model::SigningAlgorithm;

/// Makes a key. Takes some 70 ms (200 at worst) of a core for RSA: not for a thread that drives
/// connections. Its `kid` is its thumbprint (RFC 7638), and so unique.
pub fn generate(algorithm: SigningAlgorithm, times: KeyTimes) -> Result<KeyRecord, InvalidKey> {
    let material = PrivateKey::generate(algorithm)?;
    Ok(KeyRecord {
        kid: thumbprint(&material.public_jwk()).ok_or(InvalidKey)?,
        algorithm,
        private_key: material.to_pem()?,
        times,
    })
}
