//! Generates signing keys.

use super::{
    key_secret::{KeyRecord, KeyTimes},
    material::{InvalidKey, PrivateKey},
    ring::thumbprint,
};
use crate::model::SigningAlgorithm;

/// Generates a key whose `kid` is its RFC 7638 thumbprint, and therefore unique.
///
/// RSA takes about 70 ms of CPU time (up to 200 ms), so don't call this on a thread that serves
/// connections.
pub fn generate(algorithm: SigningAlgorithm, times: KeyTimes) -> Result<KeyRecord, InvalidKey> {
    let material = PrivateKey::generate(algorithm)?;
    Ok(KeyRecord {
        kid: thumbprint(&material.public_jwk()).ok_or(InvalidKey)?,
        algorithm,
        private_key: material.to_pem()?,
        times,
    })
}
