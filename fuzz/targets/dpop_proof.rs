//! Any DPoP proof: no panic, and only proofs with a public key, for this request and of this time are accepted.
#![no_main]

use lanyard::{
    keys::PublicKeys,
    model::{Timestamp, sha256_base64url},
    protocol::dpop::{DpopProof, PROOF_ALGORITHMS, ProofTarget},
};
use libfuzzer_sys::fuzz_target;
use url::Url;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const ENDPOINT: &str = "https://id.test/team/shop/oauth/userinfo";

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let Ok(proof) = DpopProof::read(&text) else { return };
    assert!(PROOF_ALGORITHMS.contains(&proof.jwt.algorithm));
    assert!(proof.jwk.get("d").is_none() && proof.jwk.get("k").is_none());
    assert_eq!(proof.thumbprint.len(), 43);
    let _ = PublicKeys::of_header(&proof.jwk).verify(&text, proof.jwt.algorithm, None);
    let urls = [ENDPOINT.to_owned()];
    let target = ProofTarget { method: "GET", urls: &urls, access_token: Some("a token") };
    if proof.check_claims(target, NOW).is_ok() {
        assert_eq!(proof.jwt.text("htm"), Some("GET"));
        let htu = Url::parse(proof.jwt.text("htu").expect("a text")).expect("a URL");
        let origin = htu.origin().ascii_serialization();
        assert_eq!((&*origin, htu.path()), ("https://id.test", "/team/shop/oauth/userinfo"));
        assert!(htu.username().is_empty() && htu.password().is_none());
        assert_eq!(proof.jwt.text("ath"), Some(&*sha256_base64url("a token")));
        assert!(proof.jwt.time("iat").is_some_and(|iat| NOW.secs().abs_diff(iat) <= 120));
    }
});
