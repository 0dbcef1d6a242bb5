//! Argon2id as this installation makes it: for `lanyard hash-password`, and as the work that is
//! done where there is no hash to check.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use password_hash::PasswordHasher;

use crate::model::{Entropy, Secret};

/// OWASP's first choice: 19 MiB, two passes, one lane; about 18 ms.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

fn argon2id() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("constants in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// An argon2id PHC string of a password, with a salt of its own.
pub fn hash_password(password: &Secret<String>, entropy: &dyn Entropy) -> String {
    let mut salt = [0; 16];
    entropy.fill(&mut salt);
    argon2id()
        .hash_password_with_salt(password.expose().as_bytes(), &salt)
        .expect("any password and a salt of 16 bytes can be hashed")
        .to_string()
}

/// Memory for argon2id that one check leaves to the next: to ask the system for 19 MiB each time
/// costs as much as the hash.
#[derive(Default)]
pub(super) struct Argon2Memory(Vec<Block>);

impl Argon2Memory {
    /// Whether there is something to give back.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The hash of an attempt under `argon2`'s parameters, of `output`'s length.
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

/// The work of checking a hash that `hash_password` made, for nothing.
pub(super) fn work(attempt: &[u8], scratch: &mut Argon2Memory) {
    let mut output = [0; 32];
    let hashed = scratch.hash(&argon2id(), attempt, b"no one's salt...", &mut output);
    // What fails makes this faster; a check would fail alike.
    std::hint::black_box((hashed.is_ok(), output));
}
