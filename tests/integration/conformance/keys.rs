//! The RSA keys of the suite's relying party, made once for all tests.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use lanyard::{
    keys::{KeyTimes, ParsedKeyCache, generate_key_record, write_key},
    model::{SigningAlgorithm, Timestamp},
};
use serde_json::{Value, json};

/// An RSA key pair for RS256.
pub struct Key {
    private: EncodingKey,
    public: Value,
}

/// The key that clients register.
pub static FIRST: LazyLock<Key> = LazyLock::new(Key::new);
/// The key that clients rotate to.
pub static SECOND: LazyLock<Key> = LazyLock::new(Key::new);

impl Key {
    fn new() -> Self {
        let at = Timestamp::from_secs(1_800_000_000);
        let times = KeyTimes { published_at: at, signs_from: at, retire_at: None };
        let record = generate_key_record(SigningAlgorithm::RS256, times).expect("a key");
        let (ring, _) = ParsedKeyCache::default().ring(&[write_key(&record)].into());
        let private = EncodingKey::from_rsa_pem(record.private_key.expose().as_bytes());
        let public = ring.jwks()["keys"][0].clone();
        Self { private: private.expect("a key"), public }
    }

    /// The JWK Set with the public key.
    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.public] })
    }

    /// The JWK Set without the `kid` of the key.
    pub fn nameless_jwks(&self) -> Value {
        let mut jwks = self.jwks();
        jwks["keys"][0].as_object_mut().expect("a key").remove("kid");
        jwks
    }

    /// Signs a JWT with the `kid` of the key in its header.
    pub fn sign(&self, claims: &Value) -> String {
        let kid = self.public["kid"].as_str().map(str::to_owned);
        let header = Header { kid, ..Header::new(Algorithm::RS256) };
        encode(&header, claims, &self.private).expect("signed")
    }
}

/// An unsigned JWT (`alg` is `none`).
pub fn unsigned(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({ "alg": "none" })), part(claims))
}
