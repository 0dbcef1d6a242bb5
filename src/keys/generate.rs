//! Generates private keys that sign tokens.

use super::{
    key_secret::{KeyRecord, KeyTimes},
    material::{InvalidPrivateKey, PrivateKey},
};
use crate::model::{Secret, SigningAlgorithm};

/// A new key without a place in a rotation.
#[derive(Debug)]
pub(super) struct GeneratedKey {
    kid: String,
    algorithm: SigningAlgorithm,
    private_key: Secret<String>,
}

impl GeneratedKey {
    pub(super) fn with_times(self, times: KeyTimes) -> KeyRecord {
        let Self { kid, algorithm, private_key } = self;
        KeyRecord { kid, algorithm, private_key, times }
    }
}

/// Generates a key whose `kid` is its RFC 7638 thumbprint, and therefore unique.
///
/// RSA takes about 70 ms of CPU time (up to 200 ms), so don't call this on a thread that serves
/// connections.
pub(super) fn generate_key(algorithm: SigningAlgorithm) -> Result<GeneratedKey, InvalidPrivateKey> {
    let material = PrivateKey::generate(algorithm)?;
    Ok(GeneratedKey {
        kid: material.key_id().ok_or(InvalidPrivateKey)?,
        algorithm,
        private_key: material.to_pem()?,
    })
}

/// Generates a key on the calling thread.
pub fn generate_key_record(
    algorithm: SigningAlgorithm,
    times: KeyTimes,
) -> Result<KeyRecord, InvalidPrivateKey> {
    generate_key(algorithm).map(|key| key.with_times(times))
}
