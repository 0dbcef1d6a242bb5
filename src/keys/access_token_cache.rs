//! A memo of access tokens whose signature was verified: applications show the same token again and
//! again, and a look at the memo costs a tenth of a signature's check.
//!
//! It says only what was signed. Whether the token is still worth something (its times, its grant,
//! revocation) is asked each time. It holds hashes of tokens, bounded in number, and an entry
//! counts only for a ring that holds the very key which verified it: a key that goes takes its
//! tokens with it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use aws_lc_rs::digest;
use serde_json::{Map, Value};

use super::ring::{JwtType, KeyRing, SigningKey, VerifyError};
use crate::model::BoundedCache;

/// Entries of about 2 KiB each.
const MAX_ENTRIES: usize = 4096;

type Hash = [u8; 32];

/// Access tokens that were verified lately.
pub struct AccessTokenCache(Mutex<BoundedCache<Hash, Entry>>);

struct Entry {
    key: Weak<SigningKey>,
    claims: Arc<Map<String, Value>>,
}

impl Default for AccessTokenCache {
    fn default() -> Self {
        Self(Mutex::new(BoundedCache::new(MAX_ENTRIES)))
    }
}

impl AccessTokenCache {
    /// The claims of an access token that one of the ring's keys signed. Times and audience are the
    /// caller's to check.
    pub fn verify(
        &self,
        ring: &KeyRing,
        jwt: &str,
    ) -> Result<Arc<Map<String, Value>>, VerifyError> {
        let hash = hash(jwt);
        if let Some(claims) = self.known(ring, &hash) {
            return Ok(claims);
        }
        let (key, claims) = ring.verified_by(jwt, JwtType::AccessToken)?;
        let claims = Arc::new(claims);
        self.keep(hash, Entry { key: Arc::downgrade(key), claims: Arc::clone(&claims) });
        Ok(claims)
    }

    fn known(&self, ring: &KeyRing, hash: &Hash) -> Option<Arc<Map<String, Value>>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = known.get(hash)?;
        let key = entry.key.upgrade()?;
        ring.keys().iter().any(|held| Arc::ptr_eq(held, &key)).then(|| Arc::clone(&entry.claims))
    }

    fn keep(&self, hash: Hash, entry: Entry) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(hash, entry);
    }
}

impl fmt::Debug for AccessTokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedTokens").finish_non_exhaustive()
    }
}

fn hash(jwt: &str) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, jwt.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keys::{KeyTimes, generate},
        model::{SigningAlgorithm, Timestamp},
    };

    fn ring() -> KeyRing {
        let times = KeyTimes {
            published_at: Timestamp::from_secs(0),
            signs_from: Timestamp::from_secs(0),
            retire_at: None,
        };
        let record = generate(SigningAlgorithm::ES256, times).expect("a key");
        KeyRing::new([Arc::new(SigningKey::parse(&record).expect("usable"))])
    }

    fn token(ring: &KeyRing, claims: &str) -> String {
        ring.keys()[0].sign(JwtType::AccessToken, claims.as_bytes()).expect("a token")
    }

    #[test]
    fn a_token_that_is_shown_again_has_the_same_claims() {
        let (tokens, ring) = (AccessTokenCache::default(), ring());
        let token = token(&ring, r#"{"sub":"ada"}"#);
        let first = tokens.verify(&ring, &token).expect("signed");
        let again = tokens.verify(&ring, &token).expect("signed");
        assert!(Arc::ptr_eq(&first, &again), "from the memo");
        assert_eq!(again["sub"], "ada");
    }

    #[test]
    fn a_token_counts_for_the_ring_of_its_key_only() {
        let (tokens, ours, theirs) = (AccessTokenCache::default(), ring(), ring());
        let token = token(&ours, r#"{"sub":"ada"}"#);
        tokens.verify(&ours, &token).expect("signed");
        assert_eq!(tokens.verify(&theirs, &token), Err(VerifyError::UnknownKey));
        assert_eq!(tokens.verify(&KeyRing::default(), &token), Err(VerifyError::UnknownKey));
        assert!(tokens.verify(&ours, &token).is_ok(), "and still for its own");
    }

    #[test]
    fn what_was_altered_is_not_known() {
        let (tokens, ring) = (AccessTokenCache::default(), ring());
        let token = token(&ring, r#"{"sub":"ada"}"#);
        tokens.verify(&ring, &token).expect("signed");
        // Not the last, of which only some bits count.
        let (before, last) = token.split_at(token.len() - 2);
        let other = if last.starts_with('A') { 'B' } else { 'A' };
        let altered = format!("{before}{other}{}", &last[1..]);
        assert_ne!(altered, token);
        assert!(tokens.verify(&ring, &altered).is_err());
        let cut = &token[..token.len() - 1];
        assert!(tokens.verify(&ring, cut).is_err());
    }

    #[test]
    fn it_holds_a_bounded_number_and_keeps_what_is_asked_for() {
        let (tokens, ring) = (AccessTokenCache::default(), ring());
        let asked = token(&ring, r#"{"sub":"ada"}"#);
        let first = tokens.verify(&ring, &asked).expect("signed");
        for number in 0..2 * MAX_ENTRIES {
            let other = hash(&number.to_string());
            let entry = Entry { key: Weak::new(), claims: Arc::new(Map::new()) };
            tokens.keep(other, entry);
            if number % (MAX_ENTRIES / 4) == 0 {
                let again = tokens.verify(&ring, &asked).expect("signed");
                assert!(Arc::ptr_eq(&first, &again), "asked for in time");
            }
        }
        assert!(tokens.0.lock().expect("nobody panicked").len() <= MAX_ENTRIES);
    }
}
