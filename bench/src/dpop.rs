//! Proofs of a DPoP key (RFC 9449).

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, anyhow};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// An ES256 key with the header of its proofs.
pub struct DpopKey {
    pair: EcdsaKeyPair,
    header: String,
    random: SystemRandom,
}

impl DpopKey {
    /// # Errors
    ///
    /// The cryptography library refuses.
    pub fn generate() -> Result<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| anyhow!("the cryptography library refused"))?;
        let point = pair.public_key().as_ref();
        let [x, y] = [&point[1..33], &point[33..]].map(|it| BASE64_URL_SAFE_NO_PAD.encode(it));
        let header = format!(
            r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}}}"#
        );
        let header = BASE64_URL_SAFE_NO_PAD.encode(header);
        Ok(Self { pair, header, random: SystemRandom::new() })
    }

    /// A proof for a POST request now.
    ///
    /// # Errors
    ///
    /// The cryptography library refuses.
    #[expect(clippy::disallowed_methods, reason = "a driver is an edge: it may ask the system")]
    pub fn proof(&self, url: &str, jti: &str) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let claims = format!(r#"{{"jti":"{jti}","htm":"POST","htu":"{url}","iat":{now}}}"#);
        let message = format!("{}.{}", self.header, BASE64_URL_SAFE_NO_PAD.encode(claims));
        let signature = self
            .pair
            .sign(&self.random, message.as_bytes())
            .map_err(|_| anyhow!("the cryptography library refused"))?;
        Ok(format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }
}
