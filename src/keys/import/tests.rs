use serde_json::json;

use super::*;
use crate::{
    keys::{JwtType, generate_key_record},
    model::{AccessTokenType, SigningAlgorithm},
};

fn entries(text: impl Into<String>) -> KeyEntries {
    KeyEntries::from([("key".to_owned(), ByteString(text.into().into_bytes()))])
}

fn pkcs8(algorithm: SigningAlgorithm) -> String {
    let at = Timestamp::from_secs(0);
    let times = KeyTimes { published_at: at, signs_from: at, retire_at: None };
    generate_key_record(algorithm, times).expect("a key").private_key.expose().clone()
}

fn signs_and_verifies(ring: &KeyRing, algorithm: SigningAlgorithm) {
    let key = ring.signing_key(algorithm, Timestamp::from_secs(9)).expect("it signs");
    let token = key.sign(JwtType::IdToken, br#"{"sub":"me","exp":1}"#).expect("signed");
    assert_eq!(ring.verify(&token, JwtType::IdToken).expect("verified")["sub"], "me");
    assert!(
        ring.verify(&token, JwtType::AccessToken(AccessTokenType::Jwt)).is_err(),
        "another type"
    );
}

#[test]
fn takes_pkcs8_of_every_kind() {
    for algorithm in SigningAlgorithm::ALL {
        let ring = import_keys(&entries(pkcs8(algorithm)), None).expect("imported");
        // PEM is the same for the two algorithms of RSA.
        let imported = if algorithm.is_rsa() { SigningAlgorithm::RS256 } else { algorithm };
        signs_and_verifies(&ring, imported);
    }
}

#[test]
fn takes_pkcs1_and_sec1() {
    use rsa::pkcs1::{EncodeRsaPrivateKey, LineEnding};
    let key = RsaPrivateKey::from_pkcs8_pem(&pkcs8(SigningAlgorithm::RS256)).expect("a key");
    let pem = key.to_pkcs1_pem(LineEnding::LF).expect("PEM").to_string();
    signs_and_verifies(
        &import_keys(&entries(pem), None).expect("imported"),
        SigningAlgorithm::RS256,
    );

    let sec1 = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIIBuYxTeXaCmZO66XTwjUHPhQbzLvwzSzLSZ1Lh7k1aPoAoGCCqGSM49
AwEHoUQDQgAEyC/FAVhH8KxW0xkPbmOTgYkI0TdcdVMdkLVzRbYFbEZ0lKgvkS6I
-----END EC PRIVATE KEY-----";
    // A truncated key is rejected.
    assert!(import_keys(&entries(sec1), None).is_err());
}

#[test]
fn takes_a_jwk_set_and_keeps_its_kids() {
    use rsa::traits::{PrivateKeyParts, PublicKeyParts};
    let key = RsaPrivateKey::from_pkcs8_pem(&pkcs8(SigningAlgorithm::RS256)).expect("a key");
    let b64 = |number: &BigUint| URL_SAFE_NO_PAD.encode(number.to_bytes_be());
    let mut jwk = json!({ "keys": [{
        "kty": "RSA", "kid": "mine", "n": b64(key.n()), "e": b64(key.e()), "d": b64(key.d()),
        "p": b64(&key.primes()[0]), "q": b64(&key.primes()[1]),
    }] });
    let ring = import_keys(&entries(jwk.to_string()), None).expect("imported");
    assert_eq!(ring.keys()[0].kid, "mine");
    signs_and_verifies(&ring, SigningAlgorithm::RS256);
    jwk["keys"][0]["alg"] = json!("PS256");
    let for_pss = import_keys(&entries(jwk.to_string()), None).expect("imported");
    signs_and_verifies(&for_pss, SigningAlgorithm::PS256);
    let now = Timestamp::from_secs(9);
    assert!(for_pss.signing_key(SigningAlgorithm::RS256, now).is_none(), "one key, one algorithm");
    let shown = ring.jwks().to_string();
    for private in ["\"d\"", "\"p\"", "\"q\""] {
        assert!(!shown.contains(private), "{shown}");
    }
}

#[test]
fn errors_name_the_problem_without_key_material() {
    let mut rng = rsa::rand_core::OsRng;
    let weak = RsaPrivateKey::new(&mut rng, 1024).expect("a key");
    let weak = weak.to_pkcs8_pem(rsa::pkcs8::LineEnding::LF).expect("PEM").to_string();
    let name = || "key".to_owned();
    for (text, error) in [
        (weak, KeyImportError::Weak(name(), 1024)),
        ("hello".to_owned(), KeyImportError::Unreadable(name())),
        ("{\"a\":1}".to_owned(), KeyImportError::Unreadable(name())),
        ("{\"kty\":\"RSA\"}".to_owned(), KeyImportError::NotPrivate(name())),
        ("{\"kty\":\"oct\",\"d\":\"AA\"}".to_owned(), KeyImportError::Unsupported(name())),
        (
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----".to_owned(),
            KeyImportError::NotPrivate(name()),
        ),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----"
                .to_owned(),
            KeyImportError::Encrypted(name()),
        ),
    ] {
        assert_eq!(import_keys(&entries(text.clone()), None).err(), Some(error), "{text:.40}");
    }
    assert_eq!(
        import_keys(&entries("x"), Some("other")).err(),
        Some(KeyImportError::NoEntry("other".into()))
    );
    assert_eq!(import_keys(&KeyEntries::new(), None).err(), Some(KeyImportError::Empty));
}
