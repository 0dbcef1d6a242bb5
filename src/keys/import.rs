//! Signing keys supplied by the user: PEM (PKCS#1, PKCS#8 or SEC1), a JWK or a JWK Set. They are
//! validated and never written.

use std::sync::Arc;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use k8s_openapi::ByteString;
use rsa::{
    BigUint, RsaPrivateKey,
    pkcs1::DecodeRsaPrivateKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey},
    traits::PublicKeyParts,
};
use serde_json::Value;

use super::{
    key_secret::{KeyEntries, KeyTimes},
    material::PrivateKey,
    ring::KeyRing,
    signing_key::SigningKey,
};
use crate::model::Timestamp;

/// Minimum size of an RSA key in bits (RFC 7518 §3.3).
const RSA_BITS: usize = 2048;

/// The reason a supplied key cannot be used. The message says how to fix it and contains no key
/// material.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyImportError {
    /// The Secret does not have the requested entry.
    #[error("has no entry {0:?}")]
    NoEntry(String),
    /// The Secret contains no keys.
    #[error("contains no keys; add an entry with a private key in PEM or as a JWK")]
    Empty,
    /// The entry has none of the supported formats.
    #[error("entry {0:?} is neither a PEM private key (PKCS#1, PKCS#8, SEC1) nor a JWK or JWK Set")]
    Unreadable(String),
    /// The entry contains only a public key.
    #[error("entry {0:?} contains only a public key; add the private key")]
    NotPrivate(String),
    /// The PEM block is encrypted.
    #[error("entry {0:?} is encrypted; store it without a passphrase")]
    Encrypted(String),
    /// The RSA key has fewer than 2048 bits.
    #[error("entry {0:?} is an RSA key of {1} bits; it must have at least 2048")]
    Weak(String, usize),
    /// The key type or curve is not supported.
    #[error("entry {0:?} has an unsupported key type; use RSA, EC P-256 or Ed25519")]
    Unsupported(String),
    /// The components of the key contradict each other.
    #[error("entry {0:?} is not a valid key: its components do not match")]
    Inconsistent(String),
}

/// Builds a key ring from one entry of the Secret, or from all of them. Every key may sign
/// immediately. If several keys have the same algorithm, the last one by entry name signs.
pub fn import_keys(entries: &KeyEntries, only: Option<&str>) -> Result<KeyRing, KeyImportError> {
    let mut keys = Vec::new();
    let chosen: Vec<(&String, &ByteString)> = match only {
        Some(name) => {
            vec![
                entries
                    .get_key_value(name)
                    .ok_or_else(|| KeyImportError::NoEntry(name.to_owned()))?,
            ]
        }
        None => entries.iter().collect(),
    };
    for (name, ByteString(bytes)) in chosen {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| KeyImportError::Unreadable(name.clone()))?
            .trim();
        if text.starts_with('{') {
            from_json(name, text, &mut keys)?;
        } else {
            keys.push((from_pem(name, text)?, None));
        }
    }
    if keys.is_empty() {
        return Err(KeyImportError::Empty);
    }
    let mut ring = Vec::with_capacity(keys.len());
    for (order, (material, kid)) in keys.into_iter().enumerate() {
        // The order stands in for the start time, so the last key of an algorithm signs.
        let at = Timestamp::from_millis(i64::try_from(order).unwrap_or(0));
        let times = KeyTimes { published_at: at, signs_from: at, retire_at: None };
        let unusable = || KeyImportError::Inconsistent(kid.clone().unwrap_or_default());
        let id = match &kid {
            Some(kid) => kid.clone(),
            None => material.key_id().ok_or_else(unusable)?,
        };
        ring.push(Arc::new(SigningKey::new(id, times, material).map_err(|_| unusable())?));
    }
    Ok(KeyRing::new(ring))
}

fn from_pem(name: &str, text: &str) -> Result<PrivateKey, KeyImportError> {
    let blocks = pem::parse_many(text).map_err(|_| KeyImportError::Unreadable(name.to_owned()))?;
    let block = blocks.iter().find(|block| block.tag().ends_with("PRIVATE KEY")).ok_or_else(
        || match blocks.first() {
            Some(_) => KeyImportError::NotPrivate(name.to_owned()),
            None => KeyImportError::Unreadable(name.to_owned()),
        },
    )?;
    let der = block.contents();
    let encrypted = block.headers().get("DEK-Info").is_some();
    if encrypted || block.tag() == "ENCRYPTED PRIVATE KEY" {
        return Err(KeyImportError::Encrypted(name.to_owned()));
    }
    match block.tag() {
        "RSA PRIVATE KEY" => {
            let key = RsaPrivateKey::from_pkcs1_der(der)
                .map_err(|_| KeyImportError::Inconsistent(name.to_owned()))?;
            from_rsa(name, &key)
        }
        "EC PRIVATE KEY" => {
            EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
                .map(PrivateKey::Ec)
                .map_err(|_| KeyImportError::Unsupported(name.to_owned()))
        }
        "PRIVATE KEY" => from_pkcs8(name, der),
        _ => Err(KeyImportError::Unsupported(name.to_owned())),
    }
}

fn from_pkcs8(name: &str, der: &[u8]) -> Result<PrivateKey, KeyImportError> {
    if let Ok(key) = RsaPrivateKey::from_pkcs8_der(der) {
        return from_rsa(name, &key);
    }
    if let Ok(key) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
        return Ok(PrivateKey::Ec(key));
    }
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
        .map(PrivateKey::Ed)
        .map_err(|_| KeyImportError::Unsupported(name.to_owned()))
}

/// Validates an RSA key and converts it to the type of the signing library.
fn from_rsa(name: &str, key: &RsaPrivateKey) -> Result<PrivateKey, KeyImportError> {
    if key.n().bits() < RSA_BITS {
        return Err(KeyImportError::Weak(name.to_owned(), key.n().bits()));
    }
    let inconsistent = || KeyImportError::Inconsistent(name.to_owned());
    key.validate().map_err(|_| inconsistent())?;
    let der = key.to_pkcs8_der().map_err(|_| inconsistent())?;
    RsaKeyPair::from_pkcs8(der.as_bytes()).map(PrivateKey::Rsa).map_err(|_| inconsistent())
}

type ParsedPem = (PrivateKey, Option<String>);

fn from_json(name: &str, text: &str, keys: &mut Vec<ParsedPem>) -> Result<(), KeyImportError> {
    let value: Value =
        serde_json::from_str(text).map_err(|_| KeyImportError::Unreadable(name.to_owned()))?;
    match value.get("keys").and_then(Value::as_array) {
        Some(set) => set.iter().try_for_each(|jwk| {
            keys.push(from_jwk(name, jwk)?);
            Ok(())
        }),
        None => {
            keys.push(from_jwk(name, &value)?);
            Ok(())
        }
    }
}

/// Converts a private JWK (RFC 7518 §6, RFC 8037 §2).
fn from_jwk(name: &str, jwk: &Value) -> Result<ParsedPem, KeyImportError> {
    let inconsistent = || KeyImportError::Inconsistent(name.to_owned());
    let text = |member: &str| jwk.get(member).and_then(Value::as_str);
    let bytes = |member: &str| -> Result<Vec<u8>, KeyImportError> {
        let value = text(member).ok_or_else(inconsistent)?;
        URL_SAFE_NO_PAD.decode(value).map_err(|_| inconsistent())
    };
    let kty = text("kty").ok_or_else(|| KeyImportError::Unreadable(name.to_owned()))?;
    if text("d").is_none() {
        return Err(KeyImportError::NotPrivate(name.to_owned()));
    }
    let material = match (kty, text("crv")) {
        ("RSA", _) => {
            let number = |member| bytes(member).map(|bytes| BigUint::from_bytes_be(&bytes));
            let primes = match (text("p"), text("q")) {
                (Some(_), Some(_)) => vec![number("p")?, number("q")?],
                _ => Vec::new(),
            };
            let key =
                RsaPrivateKey::from_components(number("n")?, number("e")?, number("d")?, primes)
                    .map_err(|_| inconsistent())?;
            match from_rsa(name, &key)? {
                PrivateKey::Rsa(key) if text("alg") == Some("PS256") => PrivateKey::RsaPss(key),
                key => key,
            }
        }
        ("EC", Some("P-256")) => {
            let point = [&[4][..], &bytes("x")?, &bytes("y")?].concat();
            EcdsaKeyPair::from_private_key_and_public_key(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                &bytes("d")?,
                &point,
            )
            .map(PrivateKey::Ec)
            .map_err(|_| inconsistent())?
        }
        ("OKP", Some("Ed25519")) => {
            Ed25519KeyPair::from_seed_and_public_key(&bytes("d")?, &bytes("x")?)
                .map(PrivateKey::Ed)
                .map_err(|_| inconsistent())?
        }
        _ => return Err(KeyImportError::Unsupported(name.to_owned())),
    };
    Ok((material, text("kid").map(str::to_owned)))
}

#[cfg(test)]
mod tests;
