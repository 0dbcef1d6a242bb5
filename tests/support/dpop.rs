//! A DPoP key and its proofs (RFC 9449), as a client makes them.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use lanyard::model::{Timestamp, sha256_base64url};
use serde_json::{Value, json};

/// An ES256 key of a client, with which it signs DPoP proofs (RFC 9449).
pub struct DpopKey(EcdsaKeyPair);

impl Default for DpopKey {
    fn default() -> Self {
        Self::new()
    }
}

impl DpopKey {
    pub fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    /// The public key as a JWK, as in the header of a proof.
    pub fn jwk(&self) -> Value {
        let point = self.0.public_key().as_ref();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({ "kty": "EC", "crv": "P-256", "x": part(&point[1..33]), "y": part(&point[33..]) })
    }

    /// The JWK thumbprint of the key (RFC 7638).
    pub fn thumbprint(&self) -> String {
        let jwk = self.jwk();
        sha256_base64url(format!(
            r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#,
            jwk["x"], jwk["y"]
        ))
    }

    /// A proof for a request now.
    pub fn proof(&self, method: &str, url: &str, now: Timestamp) -> String {
        self.sign(&self.header(), &claims(method, url, now))
    }

    /// A proof for a request with an access token.
    pub fn proof_with(&self, method: &str, url: &str, now: Timestamp, token: &str) -> String {
        let mut claims = claims(method, url, now);
        claims["ath"] = json!(sha256_base64url(token));
        self.sign(&self.header(), &claims)
    }

    /// The header of a proof.
    pub fn header(&self) -> Value {
        json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() })
    }

    /// A JWS of any header and claims.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes()).expect("signed");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The claims of a proof, with a `jti` of their own.
pub fn claims(method: &str, url: &str, now: Timestamp) -> Value {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let jti = format!("proof-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    json!({ "jti": jti, "htm": method, "htu": url, "iat": now.secs() })
}
