//! Randomness as a value. Only this module asks the operating system for random bytes.

use std::{fmt, sync::Mutex};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Timestamp, sha256};

/// A source of random bytes. Tests use a seeded one.
pub trait Entropy: Send + Sync + fmt::Debug {
    /// Fills `buffer` with random bytes.
    fn fill(&self, buffer: &mut [u8]);

    /// Returns 128 random bits in base64url (22 characters).
    fn id(&self) -> String {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns an ID of 22 characters: 48 bits of `now` in milliseconds, then 80 random bits.
    /// Stores order records by ID, so records created at about the same time share pages. That
    /// keeps writes, and most reads, on few pages.
    fn id_at(&self, now: Timestamp) -> String {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&now.millis().to_be_bytes()[2..]);
        self.fill(&mut bytes[6..]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns 256 random bits in base64url (43 characters).
    fn token(&self) -> String {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns 512 random bits in base64url (86 characters), enough for an HMAC key of any
    /// supported algorithm. HS512 requires 64 bytes (RFC 7518 §3.2), and libraries reject shorter
    /// keys.
    fn mac_key(&self) -> String {
        let mut bytes = [0; 64];
        self.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

/// The random generator of the operating system.
#[derive(Debug, Default)]
pub struct SystemEntropy(SystemRandom);

impl SystemEntropy {
    /// Creates a handle. All handles read the generator of the operating system.
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.fill(buffer).expect("the operating system gives random bytes");
    }
}

/// A predictable generator for tests.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<(u64, u64)>);

impl SeededEntropy {
    /// Creates a generator. Generators with the same seed return the same bytes.
    pub const fn new(seed: u64) -> Self {
        Self(Mutex::new((seed, 0)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        let mut state = self.0.lock().expect("no holder of the lock panics");
        for chunk in buffer.chunks_mut(32) {
            state.1 += 1;
            let block = [state.0.to_be_bytes(), state.1.to_be_bytes()].concat();
            chunk.copy_from_slice(&sha256(block)[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);

    #[test]
    fn ids_of_the_same_time_share_a_prefix_and_differ() {
        let entropy = SeededEntropy::new(1);
        let (one, other) = (entropy.id_at(NOW), entropy.id_at(NOW));
        assert_eq!((one.len(), &one[..8]), (22, &other[..8]));
        assert_ne!(one[8..], other[8..]);
        let later = entropy.id_at(NOW.plus(std::time::Duration::from_secs(1)));
        assert_eq!(one[..5], later[..5], "a later second has the same prefix");
        assert_ne!(one[..8], later[..8]);
    }
}
