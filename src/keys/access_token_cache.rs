//! Cache of access tokens whose signature was verified. Applications present the same token many
//! times, and a cache lookup costs a tenth of a signature check.
//!
//! A hit proves only that the token was signed. Expiry, the grant and revocation are checked on
//! every use. The cache maps SHA-256 hashes of tokens to their claims and is bounded. An entry is
//! valid only for a ring that contains the same key object that verified the token, so removing a
//! key invalidates its tokens.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use serde_json::{Map, Value};

use super::{
    jwt_type::JwtType,
    ring::{JwtVerificationError, KeyRing},
    signing_key::SigningKey,
};
use crate::model::{AccessTokenType, BoundedCache, sha256};

/// Each entry takes about 2 KiB.
const MAX_ENTRIES: usize = 4096;

/// A bounded cache of recently verified access tokens.
pub struct AccessTokenCache(Mutex<BoundedCache<[u8; 32], VerifiedToken>>);

struct VerifiedToken {
    key: Weak<SigningKey>,
    claims: Arc<Map<String, Value>>,
}

impl Default for AccessTokenCache {
    fn default() -> Self {
        Self(Mutex::new(BoundedCache::new(MAX_ENTRIES)))
    }
}

impl AccessTokenCache {
    /// Returns the claims of an access token that one of the ring's keys signed. Does not check
    /// times or audience.
    pub fn verify(
        &self,
        ring: &KeyRing,
        jwt: &str,
    ) -> Result<Arc<Map<String, Value>>, JwtVerificationError> {
        let hash = sha256(jwt);
        if let Some(claims) = self.known(ring, &hash) {
            return Ok(claims);
        }
        let (key, claims) = ring.verified_by(jwt, JwtType::AccessToken(AccessTokenType::AtJwt))?;
        let claims = Arc::new(claims);
        self.keep(hash, VerifiedToken { key: Arc::downgrade(key), claims: Arc::clone(&claims) });
        Ok(claims)
    }

    fn known(&self, ring: &KeyRing, hash: &[u8; 32]) -> Option<Arc<Map<String, Value>>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = known.get(hash)?;
        let key = entry.key.upgrade()?;
        ring.keys()
            .iter()
            .any(|current| Arc::ptr_eq(current, &key))
            .then(|| Arc::clone(&entry.claims))
    }

    fn keep(&self, hash: [u8; 32], entry: VerifiedToken) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(hash, entry);
    }
}

impl fmt::Debug for AccessTokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokenCache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keys::{KeyTimes, generate_key_record},
        model::{SigningAlgorithm, Timestamp},
    };

    fn ring() -> KeyRing {
        let times = KeyTimes {
            published_at: Timestamp::from_secs(0),
            signs_from: Timestamp::from_secs(0),
            retire_at: None,
        };
        let record = generate_key_record(SigningAlgorithm::ES256, times).expect("a key");
        KeyRing::new([Arc::new(SigningKey::parse(&record).expect("usable"))])
    }

    fn token(ring: &KeyRing, claims: &str) -> String {
        ring.keys()[0]
            .sign(JwtType::AccessToken(AccessTokenType::AtJwt), claims.as_bytes())
            .expect("a token")
    }

    #[test]
    fn a_second_lookup_returns_the_cached_claims() {
        let (tokens, ring) = (AccessTokenCache::default(), ring());
        let token = token(&ring, r#"{"client_id":"app","sub":"ada"}"#);
        let first = tokens.verify(&ring, &token).expect("signed");
        let again = tokens.verify(&ring, &token).expect("signed");
        assert!(Arc::ptr_eq(&first, &again), "from the cache");
        assert_eq!(again["sub"], "ada");
    }

    #[test]
    fn a_cached_token_is_valid_only_for_the_ring_of_its_key() {
        let (tokens, ours, theirs) = (AccessTokenCache::default(), ring(), ring());
        let token = token(&ours, r#"{"client_id":"app","sub":"ada"}"#);
        tokens.verify(&ours, &token).expect("signed");
        assert_eq!(tokens.verify(&theirs, &token), Err(JwtVerificationError::UnknownKey));
        assert_eq!(
            tokens.verify(&KeyRing::default(), &token),
            Err(JwtVerificationError::UnknownKey)
        );
        assert!(tokens.verify(&ours, &token).is_ok(), "still valid for its ring");
    }

    #[test]
    fn an_altered_token_is_not_found() {
        let (tokens, ring) = (AccessTokenCache::default(), ring());
        let token = token(&ring, r#"{"client_id":"app","sub":"ada"}"#);
        tokens.verify(&ring, &token).expect("signed");
        // The last character encodes only some bits, so change the one before it.
        let (before, last) = token.split_at(token.len() - 2);
        let other = if last.starts_with('A') { 'B' } else { 'A' };
        let altered = format!("{before}{other}{}", &last[1..]);
        assert_ne!(altered, token);
        assert!(tokens.verify(&ring, &altered).is_err());
        let cut = &token[..token.len() - 1];
        assert!(tokens.verify(&ring, cut).is_err());
    }

    #[test]
    fn it_is_bounded_and_keeps_recently_used_entries() {
        let (tokens, ring) = (AccessTokenCache::default(), ring());
        let used = token(&ring, r#"{"client_id":"app","sub":"ada"}"#);
        let first = tokens.verify(&ring, &used).expect("signed");
        for number in 0..2 * MAX_ENTRIES {
            let other = sha256(number.to_string());
            let entry = VerifiedToken { key: Weak::new(), claims: Arc::new(Map::new()) };
            tokens.keep(other, entry);
            if number % (MAX_ENTRIES / 4) == 0 {
                let again = tokens.verify(&ring, &used).expect("signed");
                assert!(Arc::ptr_eq(&first, &again), "still cached after recent use");
            }
        }
        assert!(tokens.0.lock().expect("not poisoned").len() <= MAX_ENTRIES);
    }
}
