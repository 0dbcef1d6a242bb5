//! Chance as a value. Only this module asks the system for random bytes.

use std::{fmt, sync::Mutex};

use aws_lc_rs::{
    digest,
    rand::{SecureRandom, SystemRandom},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::Timestamp;

/// Where random bytes come from; a seeded one in tests.
pub trait Entropy: Send + Sync + fmt::Debug {
    /// Fills `buffer` with random bytes.
    fn fill(&self, buffer: &mut [u8]);

    /// 128 random bits in base64url: 22 characters.
    fn id(&self) -> String {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// An id of 22 characters as well: 48 bits of the time in milliseconds, and 80 random ones. Stores
    /// keep records in the order of their ids: those made at about the same time then share pages,
    /// which all that is written at once, and most of what is read, is found on.
    fn id_at(&self, now: Timestamp) -> String {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&now.millis().to_be_bytes()[2..]);
        self.fill(&mut bytes[6..]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// 256 random bits in base64url: 43 characters.
    fn token(&self) -> String {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// 512 random bits in base64url: 86 characters, which is enough for a key of any HMAC. HS512 wants
    /// 64 (RFC 7518 §3.2), and libraries refuse to sign with fewer.
    fn mac_key(&self) -> String {
        let mut bytes = [0; 64];
        self.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

/// The system's generator.
#[derive(Debug, Default)]
pub struct SystemEntropy(SystemRandom);

impl SystemEntropy {
    /// The system's generator.
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.fill(buffer).expect("the operating system gives random bytes");
    }
}

/// A predictable generator: for tests only.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<(u64, u64)>);

impl SeededEntropy {
    /// Every generator of one seed gives the same bytes.
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
            let hash = digest::digest(&digest::SHA256, &block);
            chunk.copy_from_slice(&hash.as_ref()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);

    #[test]
    fn ids_of_one_time_are_neighbours_and_never_the_same() {
        let entropy = SeededEntropy::new(1);
        let (one, other) = (entropy.id_at(NOW), entropy.id_at(NOW));
        assert_eq!((one.len(), &one[..8]), (22, &other[..8]));
        assert_ne!(one[8..], other[8..]);
        let later = entropy.id_at(NOW.plus(std::time::Duration::from_secs(1)));
        assert_eq!(one[..5], later[..5], "a second is not far");
        assert_ne!(one[..8], later[..8]);
    }
}
