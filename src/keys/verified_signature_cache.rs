//! Cache of assertions of other issuers whose signature was verified. A workload presents one token
//! until it is renewed, and a lookup costs a fraction of a signature check.
//!
//! A hit proves only the signature. Claims and times are checked on every use. An entry is valid only
//! for the same key set that verified it, so a set that is fetched later verifies it again.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use super::{JwsError, PublicKeys, Signer, SigningError};
use crate::model::{BoundedCache, JwsAlgorithm, Sha256};

/// Each entry takes about 100 bytes.
const MAX_ENTRIES: usize = 16_384;

/// A compact JWS, with what its header says about the key.
#[derive(Clone, Copy, Debug)]
pub struct SignedAssertion<'a> {
    /// The compact JWS: header, claims and signature.
    pub jws: &'a str,
    /// `alg` of the header.
    pub algorithm: JwsAlgorithm,
    /// `kid` of the header; `None` if it has none.
    pub kid: Option<&'a str>,
    /// Whether it is a JWT-SVID, which the keys of a SPIFFE bundle sign.
    pub is_svid: bool,
}

/// A bounded cache of recently verified assertions.
pub struct VerifiedSignatureCache(Mutex<BoundedCache<[u8; 32], Weak<PublicKeys>>>);

impl Default for VerifiedSignatureCache {
    fn default() -> Self {
        Self(Mutex::new(BoundedCache::new(MAX_ENTRIES)))
    }
}

impl VerifiedSignatureCache {
    /// Verifies an assertion with the keys of its issuer, unless they verified it before. RSA keys do so on
    /// the signer's threads.
    ///
    /// # Errors
    ///
    /// [`SigningError`] if the threads have too much to do. The inner error: the signature is not theirs.
    pub async fn verify(
        &self,
        signer: &Signer,
        keys: &Arc<PublicKeys>,
        signed: SignedAssertion<'_>,
    ) -> Result<Result<(), JwsError>, SigningError> {
        let SignedAssertion { jws, algorithm, kid, is_svid } = signed;
        let hash = Sha256::default().with([u8::from(is_svid)]).with(jws.as_bytes()).finish();
        if self.is_known(keys, &hash) {
            return Ok(Ok(()));
        }
        let verified = if algorithm.is_rsa() {
            let (own, jws) = (Arc::clone(keys), jws.to_owned());
            let kid = kid.map(str::to_owned);
            let work = move || verify_by(&own, &jws, (algorithm, kid.as_deref()), is_svid);
            signer.verify(keys, work).await?
        } else {
            verify_by(keys, jws, (algorithm, kid), is_svid)
        };
        if verified.is_ok() {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.put(hash, Arc::downgrade(keys));
        }
        Ok(verified)
    }

    fn is_known(&self, keys: &Arc<PublicKeys>, hash: &[u8; 32]) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(hash).and_then(Weak::upgrade).is_some_and(|by| Arc::ptr_eq(&by, keys))
    }
}

fn verify_by(
    keys: &PublicKeys,
    jws: &str,
    (algorithm, kid): (JwsAlgorithm, Option<&str>),
    is_svid: bool,
) -> Result<(), JwsError> {
    if is_svid { keys.verify_svid(jws, algorithm, kid) } else { keys.verify(jws, algorithm, kid) }
}

impl fmt::Debug for VerifiedSignatureCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedSignatureCache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;

    const ED_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
    const ED_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn keys() -> Arc<PublicKeys> {
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": ED_X });
        Arc::new(PublicKeys::parse(&json!({ "keys": [key] })))
    }

    fn signed(jws: &str) -> SignedAssertion<'_> {
        SignedAssertion { jws, algorithm: JwsAlgorithm::EdDSA, kid: None, is_svid: false }
    }

    #[tokio::test]
    async fn a_verified_assertion_is_known_to_the_same_keys_only() {
        let key = EncodingKey::from_ed_pem(ED_PRIVATE.as_bytes()).expect("a key");
        let jws = encode(&Header::new(Algorithm::EdDSA), &json!({ "a": 1 }), &key).expect("a JWS");
        let (cache, ours, signer) = (VerifiedSignatureCache::default(), keys(), Signer::new(1));
        assert_eq!(cache.verify(&signer, &ours, signed(&jws)).await, Ok(Ok(())));
        let hash = |svid: u8| Sha256::default().with([svid]).with(jws.as_bytes()).finish();
        assert!(cache.is_known(&ours, &hash(0)) && !cache.is_known(&ours, &hash(1)));
        // Keys that were fetched again, and keys of another issuer.
        assert!(!cache.is_known(&keys(), &hash(0)));
        let none = Arc::new(PublicKeys::default());
        let unknown = cache.verify(&signer, &none, signed(&jws)).await;
        assert_eq!(unknown, Ok(Err(JwsError::UnknownKey)));
        let cut = &jws[..jws.len() - 1];
        assert!(cache.verify(&signer, &ours, signed(cut)).await.expect("a turn").is_err());
    }
}
