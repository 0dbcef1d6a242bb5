//! Stored passwords: supported formats, cost limits, and comparison with an attempt.
//!
//! Costs are limited because anyone allowed to write an `OidcUser` can choose them, and the hashes
//! of one tenant must not use up memory or CPU time of the others.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::constant_time;
use password_hash::{PasswordVerifier, phc::PasswordHash};
use pbkdf2::Pbkdf2;
use scrypt::Scrypt;

use crate::model::{MAX_PASSWORD_LEN, Secret, StoredPassword, sha256};

use super::{
    foreign_hash::{self, ForeignHash, looks_like_hash},
    hash::{self, Argon2Memory},
};

/// Maximum memory of one check.
const MAX_MEMORY_KIB: u64 = 128 * 1024;
/// Maximum memory × passes: about a quarter of a second.
const MAX_ARGON2_WORK: u64 = 512 * 1024;
const MAX_ARGON2_LANES: u64 = 16;
/// Maximum cost 13, 2^13 rounds: about half a second.
const MAX_BCRYPT_COST: u32 = 13;
const MIN_BCRYPT_COST: u32 = 4;
const MAX_PBKDF2_ROUNDS: u64 = 2_000_000;
/// Maximum log₂ N, and maximum N × r × p.
const MAX_SCRYPT_LOG_N: u64 = 20;
const MAX_SCRYPT_WORK: u64 = 1 << 21;

const REMEDY: &str = "make one with `lanyard hash-password`";

/// The text of a password Secret cannot be used. Errors of the parsers are not kept, because they may
/// repeat the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredPasswordError {
    /// The plain password is empty.
    #[error("the password is empty")]
    Empty,
    /// The plain password exceeds the limit.
    #[error("the password is longer than {MAX_PASSWORD_LEN} bytes")]
    TooLong,
    /// The hash has an unknown scheme.
    #[error(
        "the password hash has an unsupported scheme; use argon2id, bcrypt, pbkdf2-sha256, \
         pbkdf2-sha512 or scrypt: {REMEDY}"
    )]
    UnsupportedScheme,
    /// The text is evidently a hash, but not in a known form.
    #[error(transparent)]
    Foreign(ForeignHash),
    /// The text begins like a hash, but is not a PHC string.
    #[error("the password hash is not a PHC string; {REMEDY}")]
    NotPhc,
    /// The hash lacks its salt or its value.
    #[error("the password hash is truncated: the salt or the hash is missing; {REMEDY}")]
    Truncated,
    /// The hash is not a bcrypt hash.
    #[error("the password hash is not a bcrypt hash of 60 characters; {REMEDY}")]
    NotBcrypt,
    /// The parameters are missing, unknown or out of range.
    #[error("the password hash has invalid parameters; {REMEDY}")]
    InvalidParameters,
    /// A check would cost more than the limits, which the text contains.
    #[error("the password hash is too costly to check: {0}; {REMEDY}")]
    TooCostly(String),
}

/// Parses the text of a password Secret: a hash (surrounding white space is removed) or a plain
/// password (a final line break is removed, because editors and `echo` add one). A hash that cannot
/// be checked is an error, never a plain password.
///
/// # Errors
/// Returns the problem and its fix.
pub fn parse_stored_password(text: &str) -> Result<StoredPassword, StoredPasswordError> {
    let trimmed = text.trim();
    if looks_like_hash(trimmed) {
        Scheme::parse(trimmed)?;
        return Ok(StoredPassword::Hash(Secret::new(trimmed.to_owned())));
    }
    if let Some(found) = foreign_hash::recognize_foreign_hash(trimmed) {
        return Err(StoredPasswordError::Foreign(found));
    }
    let plain = text.trim_end_matches(['\r', '\n']);
    if plain.is_empty() {
        return Err(StoredPasswordError::Empty);
    }
    if plain.len() > MAX_PASSWORD_LEN {
        return Err(StoredPasswordError::TooLong);
    }
    Ok(StoredPassword::Plain(Secret::new(plain.to_owned())))
}

/// A parsed hash within the cost limits.
enum Scheme {
    Argon2(PasswordHash),
    Pbkdf2(PasswordHash),
    Scrypt(PasswordHash),
    Bcrypt,
}

impl Scheme {
    fn parse(text: &str) -> Result<Self, StoredPasswordError> {
        let name = text[1..].split('$').next().unwrap_or_default();
        match name {
            "2a" | "2b" | "2y" => check_bcrypt(text).map(|()| Self::Bcrypt),
            "argon2id" | "argon2i" => check_argon2(parse_phc(text)?).map(Self::Argon2),
            "pbkdf2-sha256" | "pbkdf2-sha512" => check_pbkdf2(parse_phc(text)?).map(Self::Pbkdf2),
            "scrypt" => check_scrypt(parse_phc(text)?).map(Self::Scrypt),
            _ => Err(StoredPasswordError::UnsupportedScheme),
        }
    }

    /// Compares an attempt. The time depends on the hash's parameters, not on the result.
    fn matches(&self, text: &str, attempt: &[u8], scratch: &mut Argon2Memory) -> bool {
        match self {
            Self::Argon2(hash) => matches_argon2(hash, attempt, scratch).unwrap_or(false),
            Self::Pbkdf2(hash) => Pbkdf2::default().verify_password(attempt, hash).is_ok(),
            Self::Scrypt(hash) => Scrypt::default().verify_password(attempt, hash).is_ok(),
            // bcrypt uses only the first 72 bytes, here and in the tools that create such hashes.
            Self::Bcrypt => bcrypt::verify(attempt, text).unwrap_or(false),
        }
    }
}

/// Like `Argon2::verify_password`, but reuses memory.
fn matches_argon2(hash: &PasswordHash, attempt: &[u8], scratch: &mut Argon2Memory) -> Option<bool> {
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    let version = Version::try_from(hash.version?).ok()?;
    let argon2 = Argon2::new(algorithm, version, Params::try_from(hash).ok()?);
    let (salt, expected) = (hash.salt.as_ref()?, hash.hash.as_ref()?);
    let mut output = vec![0; expected.as_bytes().len()];
    scratch.hash(&argon2, attempt, salt.as_ref(), &mut output).ok()?;
    Some(constant_time::verify_slices_are_equal(&output, expected.as_bytes()).is_ok())
}

fn parse_phc(text: &str) -> Result<PasswordHash, StoredPasswordError> {
    let hash = PasswordHash::new(text).map_err(|_| StoredPasswordError::NotPhc)?;
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err(StoredPasswordError::Truncated);
    }
    Ok(hash)
}

/// Returns the parameters with these names. Other parameters are an error.
fn decimals<const N: usize>(
    hash: &PasswordHash,
    expected: [(&str, u64); N],
) -> Result<[u64; N], StoredPasswordError> {
    if hash.params.iter().any(|(name, _)| expected.iter().all(|(n, _)| *n != name.as_str())) {
        return Err(StoredPasswordError::InvalidParameters);
    }
    let mut values = expected.map(|(_, default)| default);
    for (value, (name, _)) in values.iter_mut().zip(expected) {
        if let Some(found) = hash.params.get(name) {
            *value = found.decimal().map_err(|_| StoredPasswordError::InvalidParameters)?.into();
        }
    }
    Ok(values)
}

fn check_argon2(hash: PasswordHash) -> Result<PasswordHash, StoredPasswordError> {
    let [memory, passes, lanes] = decimals(&hash, [("m", 4096), ("t", 3), ("p", 1)])?;
    if memory > MAX_MEMORY_KIB || memory * passes > MAX_ARGON2_WORK || lanes > MAX_ARGON2_LANES {
        return Err(StoredPasswordError::TooCostly(format!(
            "at most m={MAX_MEMORY_KIB}, m×t={MAX_ARGON2_WORK}, p={MAX_ARGON2_LANES}"
        )));
    }
    let known_version = hash.version.is_some_and(|v| argon2::Version::try_from(v).is_ok());
    if hash.params.is_empty() || !known_version || argon2::Params::try_from(&hash).is_err() {
        return Err(StoredPasswordError::InvalidParameters);
    }
    Ok(hash)
}

fn check_pbkdf2(hash: PasswordHash) -> Result<PasswordHash, StoredPasswordError> {
    let [rounds, _] = decimals(&hash, [("i", 0), ("l", 0)])?;
    if rounds > MAX_PBKDF2_ROUNDS {
        return Err(StoredPasswordError::TooCostly(format!("at most i={MAX_PBKDF2_ROUNDS}")));
    }
    if rounds == 0 || pbkdf2::Params::try_from(&hash).is_err() {
        return Err(StoredPasswordError::InvalidParameters);
    }
    Ok(hash)
}

fn check_scrypt(hash: PasswordHash) -> Result<PasswordHash, StoredPasswordError> {
    let [log_n, r, p] = decimals(&hash, [("ln", 0), ("r", 0), ("p", 0)])?;
    let too_large = log_n > MAX_SCRYPT_LOG_N
        || (r << log_n) / 8 > MAX_MEMORY_KIB
        || (r << log_n).saturating_mul(p) > MAX_SCRYPT_WORK;
    if too_large {
        return Err(StoredPasswordError::TooCostly(format!(
            "at most 128×N×r={MAX_MEMORY_KIB} KiB and N×r×p={MAX_SCRYPT_WORK}"
        )));
    }
    if log_n == 0 || r == 0 || p == 0 || scrypt::Params::try_from(&hash).is_err() {
        return Err(StoredPasswordError::InvalidParameters);
    }
    Ok(hash)
}

fn check_bcrypt(text: &str) -> Result<(), StoredPasswordError> {
    let parts: bcrypt::HashParts = text.parse().map_err(|_| StoredPasswordError::NotBcrypt)?;
    match parts.get_cost() {
        cost if cost > MAX_BCRYPT_COST => {
            Err(StoredPasswordError::TooCostly(format!("at most cost {MAX_BCRYPT_COST}")))
        }
        cost if cost < MIN_BCRYPT_COST => Err(StoredPasswordError::InvalidParameters),
        _ => Ok(()),
    }
}

/// Returns the memory a check of a stored password needs, in KiB.
pub(super) fn memory_kib(password: &StoredPassword) -> u64 {
    let StoredPassword::Hash(text) = password else { return 0 };
    match Scheme::parse(text.expose()) {
        Ok(Scheme::Argon2(hash)) => {
            decimals(&hash, [("m", 0), ("t", 0), ("p", 0)]).map_or(0, |[memory, ..]| memory)
        }
        Ok(Scheme::Scrypt(hash)) => decimals(&hash, [("ln", 0), ("r", 0), ("p", 0)])
            .map_or(0, |[log_n, r, _]| (r << log_n) / 8),
        Ok(Scheme::Pbkdf2(_) | Scheme::Bcrypt) | Err(_) => 0,
    }
}

/// Compares an attempt with a stored password. Does the work of a hash also for a plain password
/// and for a user without a password.
pub(super) fn matches_password(
    password: Option<&StoredPassword>,
    attempt: &[u8],
    scratch: &mut Argon2Memory,
) -> bool {
    match password {
        Some(StoredPassword::Hash(text)) => {
            if let Ok(scheme) = Scheme::parse(text.expose()) {
                return scheme.matches(text.expose(), attempt, scratch);
            }
            hash::hash_for_unknown_user(attempt, scratch);
            false
        }
        Some(StoredPassword::Plain(plain)) => {
            hash::hash_for_unknown_user(attempt, scratch);
            equal(plain.expose().as_bytes(), attempt)
        }
        None => {
            hash::hash_for_unknown_user(attempt, scratch);
            false
        }
    }
}

/// Compares digests, so that the time does not depend on content or length.
fn equal(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(&sha256(a), &sha256(b)).is_ok()
}

#[cfg(test)]
mod tests;
