//! Argon2id with Lanyard's parameters, for `lanyard hash-password` and for the dummy work done when
//! there is no hash to check.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use password_hash::PasswordHasher;

use crate::model::{Entropy, Secret};

/// OWASP's first recommendation: 19 MiB, two passes, one lane; about 18 ms.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Bytes of a salt (RFC 9106 §3.1 recommends 16).
pub(super) const SALT: usize = 16;

fn argon2id() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("constants in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Returns an argon2id PHC string of a password, with a random salt.
pub fn hash_password(password: &Secret<String>, entropy: &dyn Entropy) -> String {
    hash_with_salt(password, new_password_salt(entropy))
}

/// Makes a random salt.
pub(super) fn new_password_salt(entropy: &dyn Entropy) -> [u8; SALT] {
    let mut salt = [0; SALT];
    entropy.fill(&mut salt);
    salt
}

/// Returns an argon2id PHC string of a password.
pub(super) fn hash_with_salt(password: &Secret<String>, salt: [u8; SALT]) -> String {
    argon2id()
        .hash_password_with_salt(password.expose().as_bytes(), &salt)
        .expect("any password and a salt of 16 bytes can be hashed")
        .to_string()
}

/// Argon2 memory reused by consecutive checks. Allocating 19 MiB for each check costs as much as
/// the hash.
#[derive(Default)]
pub(super) struct Argon2Memory(Vec<Block>);

impl Argon2Memory {
    /// Returns true if no memory is held.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Hashes an attempt with the parameters of `argon2` and the length of `output`.
    pub(super) fn hash(
        &mut self,
        argon2: &Argon2<'_>,
        attempt: &[u8],
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<(), argon2::Error> {
        let needed = argon2.params().block_count();
        if self.0.len() < needed {
            self.0.resize(needed, Block::default());
        }
        argon2.hash_password_into_with_memory(attempt, salt, output, &mut self.0[..needed])
    }
}

/// Does the work of checking a hash made by `hash_password`, and discards the result.
pub(super) fn hash_for_unknown_user(attempt: &[u8], scratch: &mut Argon2Memory) {
    let mut output = [0; 32];
    let hashed = scratch.hash(&argon2id(), attempt, b"no one's salt...", &mut output);
    // An error makes this faster, but it would make a real check faster too.
    std::hint::black_box((hashed.is_ok(), output));
}
